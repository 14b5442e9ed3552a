/**
 * A training in float64 that errs on purpose: every output of a layer, every gradient, statistic,
 * parameter and moment is off by the whole of the bound that an engine's is held to, up or down
 * as `off` says. Where none is off, it is the oracle.
 */
import { lambDivisor, tensor } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveStep, type Loss, type OptimizerStep } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict, Tensor } from '../../../src/core/tensor.js';
import { joinPasses, microBatches } from '../../../src/train/microBatches.js';
import type { StepOptions, Trainer } from '../../../src/train/trainer.js';
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import { divisorOff, optimizerBound, stepOf } from '../optimizerBound.js';
import { averageBound } from './averageBound.js';
import { runChain, within, type Off } from './chain.js';
import { lossBound } from './lossBound.js';
import { maskFor } from './mask.js';

export interface PerturbedOracleOptions {
  readonly loss: Loss;
  /** Of the dropout masks. */
  readonly seed: number;
  /** Micro-batches of a batch. */
  readonly gradAccumSteps: number;
  /** Whether an average of the state is kept. */
  readonly ema: boolean;
}

/** As much of a trainer as a course asks for. */
export type Steps = Pick<Trainer, 'step' | 'snapshot'>;

const zerosLike = ({ data, shape }: Tensor): Tensor => ({ data: new Float64Array(data.length), shape });
const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

/** What is a mean of squares is none where it is below zero. */
const nonNegative = ({ data, shape }: Tensor): Tensor => ({ data: data.map((v) => Math.max(v, 0)), shape });

export class PerturbedOracle implements Steps {
  readonly #state: Map<string, Tensor>;
  readonly #average: Map<string, Tensor> | null;
  readonly #moments = new Map<string, Tensor>();
  #steps = 0;
  #passes = 0;

  constructor(
    state: StateDict,
    readonly config: ModelConfig,
    readonly options: PerturbedOracleOptions,
    readonly arithmetic: Arithmetic,
    readonly off: Off,
  ) {
    this.#state = new Map(state);
    this.#average = options.ema ? new Map(state) : null;
  }

  step(images: FloatArray, targets: FloatArray, { lambda, optimizer, emaDecay }: StepOptions) {
    const parts = microBatches(images, targets, this.options.gradAccumSteps);
    const passes = parts.map((part) => this.#pass(part.x, part.targets, lambda));
    this.#steps++;
    this.#move(this.#mean(passes.map(({ grads }) => grads)), resolveStep(optimizer));
    if (emaDecay !== undefined) this.#follow(emaDecay);
    return joinPasses(passes);
  }

  snapshot() {
    const ema = this.#average === null ? {} : { ema: new Map(this.#average) };
    return { state: new Map(this.#state), optimizer: new Map(this.#moments), steps: this.#steps, ...ema };
  }

  /** Forward and backward; running statistics go into the state. */
  #pass(images: FloatArray, targets: FloatArray, lambda: number) {
    const { config, options, arithmetic, off } = this;
    const n = targets.length / config.num_classes;
    const x: Tensor = { data: images, shape: [n, config.in_chans, ...config.input_size] };
    const mask = maskFor(config, n, options.seed, this.#passes);
    const run = runChain(config, this.#state, x, { training: true, lambda, mask }, arithmetic, off);
    const loss = lossBound(options.loss, run.logits, { data: targets, shape: run.logits.shape }, arithmetic);
    const grads = run.backward(within(loss.dlogits, off));
    this.#passes++;
    for (const [name, buffer] of run.buffers) this.#state.set(name, buffer);
    for (const [name, { data, shape }] of this.#state) {
      if (isCounter(name)) this.#state.set(name, { data: Float64Array.of(data[0] + 1), shape });
    }
    const losses = within(loss.losses, off).data;
    return { loss: [...losses].reduce((a, b) => a + b, 0) / n, logits: run.logits.data, grads };
  }

  /** k gradients are added up and divided by k: γ_k of the mean of their magnitudes. */
  #mean(parts: readonly ReadonlyMap<string, Tensor>[]): ReadonlyMap<string, Tensor> {
    const [first] = parts;
    if (parts.length === 1) return first;
    const gamma = gammaOf(this.arithmetic)(parts.length);
    return new Map(
      [...first].map(([name, { data, shape }]) => {
        const mean = (of: (v: number) => number): Float64Array =>
          Float64Array.from(
            data,
            (_, i) => parts.reduce((sum, part) => sum + of(part.get(name)?.data[i] ?? NaN), 0) / parts.length,
          );
        const bound = mean(Math.abs).map((size) => gamma * size);
        return [name, within({ exact: mean((v) => v), bound, shape }, this.off)];
      }),
    );
  }

  #move(grads: ReadonlyMap<string, Tensor>, by: Required<OptimizerStep>): void {
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
      for (const [what, after] of optimizerBound(before, own, this.#steps, divisor, arithmetic)) {
        const value = within({ ...after, shape: g.shape }, this.off);
        if (what === 'param') this.#state.set(name, value);
        else this.#moments.set(`${what}.${name}`, what === 'exp_avg_sq' ? nonNegative(value) : value);
      }
    }
  }

  #follow(decay: number): void {
    for (const [name, average] of this.#average ?? []) {
      const now = this.#state.get(name);
      if (now === undefined) continue;
      const verdict = averageBound(average, now, decay, this.arithmetic);
      this.#average?.set(name, isCounter(name) ? now : within(verdict, this.off));
    }
  }
}
