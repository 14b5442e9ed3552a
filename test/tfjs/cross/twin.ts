/**
 * A training by the oracle in which every rounding is a draw: the output of every layer, every
 * gradient, every statistic, parameter and moment is off by the whole of the bound that the
 * engine's is held to, up or down. Where none is off, it is the oracle.
 */
import { lambDivisor, tensor } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveStep, type Loss, type OptimiserStep } from '../../../src/core/optimiser.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import { divisorOff, optimiserBound, stepOf } from '../../judges/optimiserBound.js';
import { runChain, within, type Off } from './chain.js';
import { maskFor } from './given.js';
import { lossBound } from './lossBound.js';

export interface TwinOptions {
  readonly loss: Loss;
  readonly seed: number;
}

const zerosLike = ({ data, shape }: Tensor): Tensor => ({ data: new Float64Array(data.length), shape });

export class Twin {
  readonly #state: Map<string, Tensor>;
  readonly #moments = new Map<string, Tensor>();
  #steps = 0;

  constructor(
    state: StateDict,
    readonly config: ModelConfig,
    readonly options: TwinOptions,
    readonly arithmetic: Arithmetic,
    readonly off: Off,
  ) {
    this.#state = new Map(state);
  }

  get state(): StateDict {
    return this.#state;
  }

  /** Under PyTorch's names, as `optimiserState` of a training. */
  get moments(): StateDict {
    return this.#moments;
  }

  step(x: Tensor, q: Tensor, lambda: number, given: OptimiserStep): { losses: Tensor; logits: Tensor } {
    const { config, options, arithmetic, off } = this;
    const mask = maskFor(config, x.shape[0], options.seed, this.#steps);
    const run = runChain(config, this.#state, x, { training: true, lambda, mask }, arithmetic, off);
    const loss = lossBound(options.loss, run.logits, q, arithmetic);
    const grads = run.backward(within(loss.dlogits, off));
    this.#steps++;
    this.#move(grads, resolveStep(given));
    for (const [name, buffer] of run.buffers) this.#state.set(name, buffer);
    return { losses: within(loss.losses, off), logits: run.logits };
  }

  #move(grads: ReadonlyMap<string, Tensor>, by: Required<OptimiserStep>): void {
    const { config, arithmetic } = this;
    const stages = config.strides.length;
    const all = [...grads.values()].map(({ data, shape }) => tensor(data, shape));
    const terms = all.reduce((sum, { size }) => sum + size, 0);
    const divisor =
      by.kind === 'lamb' ? { value: lambDivisor(all), off: divisorOff(terms, arithmetic) } : { value: 1, off: 0 };
    for (const [name, g] of grads) {
      const own = stepOf(name, g.shape, by, stages);
      const old = (moment: string): Tensor => this.#moments.get(`${moment}.${name}`) ?? zerosLike(g);
      const p = this.#state.get(name);
      if (p === undefined) throw new Error(`no tensor ${name}`);
      const m = old(by.kind === 'sgd' ? 'momentum_buffer' : 'exp_avg');
      const before = { p, g, m, v: old('exp_avg_sq') };
      for (const [what, after] of optimiserBound(before, own, this.#steps, divisor, arithmetic)) {
        const value = within({ ...after, shape: g.shape }, this.off);
        if (what === 'param') this.#state.set(name, value);
        // What is a mean of squares is none where it is below zero.
        else this.#moments.set(`${what}.${name}`, what === 'exp_avg_sq' ? nonNegative(value) : value);
      }
    }
  }
}

const nonNegative = ({ data, shape }: Tensor): Tensor => ({ data: data.map((v) => Math.max(v, 0)), shape });
