/**
 * Training in float64 with deliberate errors: each layer output, gradient, statistic, parameter and moment is off by
 * `off()` times the bound that an engine must satisfy. With `off` = 0 it computes the same as the reference.
 */
import { lambDivisor, tensor } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { frozenTensors } from '../../../src/core/freeze.js';
import { resolveStep, type Loss, type OptimizerStep } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict, Tensor } from '../../../src/core/tensor.js';
import { joinPasses, microBatches } from '../../../src/train/microBatches.js';
import type { StepOptions, Trainer } from '../../../src/train/trainer.js';
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import { divisorOff, optimizerBound, stepOf } from '../optimizerBound.js';
import { averageBound } from './averageBound.js';
import { runChain, perturb, type Perturbation } from './chain.js';
import { lossBound } from './lossBound.js';
import { maskFor } from './mask.js';

export interface PerturbedOracleOptions {
  readonly loss: Loss;
  /** Seed of the dropout masks. */
  readonly seed: number;
  /** Number of micro-batches in a batch. */
  readonly gradAccumSteps: number;
  /** Whether the state is averaged. */
  readonly ema: boolean;
  /** Parts that stay as they are. Default none. */
  readonly freeze?: readonly string[];
}

/** The methods of a trainer that a trajectory needs. */
export type Steps = Pick<Trainer, 'step' | 'snapshot'>;

const zerosLike = ({ data, shape }: Tensor): Tensor => ({ data: new Float64Array(data.length), shape });
const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

/** A mean of squares cannot be negative. */
const nonNegative = ({ data, shape }: Tensor): Tensor => ({ data: data.map((v) => Math.max(v, 0)), shape });

export class PerturbedOracle implements Steps {
  readonly #state: Map<string, Tensor>;
  readonly #average: Map<string, Tensor> | null;
  readonly #moments = new Map<string, Tensor>();
  readonly #frozen: ReadonlySet<string>;
  #steps = 0;
  #passes = 0;

  constructor(
    state: StateDict,
    readonly config: ModelConfig,
    readonly options: PerturbedOracleOptions,
    readonly arithmetic: Arithmetic,
    readonly off: Perturbation,
  ) {
    this.#state = new Map(state);
    this.#average = options.ema ? new Map(state) : null;
    this.#frozen = frozenTensors(options.freeze ?? [], config);
  }

  step(images: FloatArray, targets: FloatArray, { lambda, optimizer, emaDecay }: StepOptions) {
    const parts = microBatches(images, targets, this.options.gradAccumSteps);
    const passes = parts.map((part) => this.#pass(part.x, part.targets, lambda));
    this.#steps++;
    this.#update(this.#mean(passes.map(({ grads }) => grads)), resolveStep(optimizer));
    if (emaDecay !== undefined) this.#updateAverage(emaDecay);
    return joinPasses(passes);
  }

  snapshot() {
    const ema = this.#average === null ? {} : { ema: new Map(this.#average) };
    return { state: new Map(this.#state), optimizer: new Map(this.#moments), steps: this.#steps, ...ema };
  }

  /** Forward and backward; updates the running statistics. */
  #pass(images: FloatArray, targets: FloatArray, lambda: number) {
    const { config, options, arithmetic, off } = this;
    const n = targets.length / config.num_classes;
    const x: Tensor = { data: images, shape: [n, config.in_chans, ...config.input_size] };
    const mask = maskFor(config, n, options.seed, this.#passes);
    const run = runChain(
      config,
      this.#state,
      x,
      { training: true, lambda, mask, frozen: this.#frozen },
      arithmetic,
      off,
    );
    const loss = lossBound(options.loss, run.logits, { data: targets, shape: run.logits.shape }, arithmetic);
    const all = run.backward(perturb(loss.dlogits, off));
    const grads = new Map([...all].filter(([name]) => !this.#frozen.has(name)));
    this.#passes++;
    for (const [name, buffer] of run.buffers) this.#state.set(name, buffer);
    for (const [name, { data, shape }] of this.#state) {
      if (isCounter(name) && !this.#frozen.has(name))
        this.#state.set(name, { data: Float64Array.of(data[0] + 1), shape });
    }
    const losses = perturb(loss.losses, off).data;
    return { loss: [...losses].reduce((a, b) => a + b, 0) / n, logits: run.logits.data, grads };
  }

  /** The mean of k gradients: a sum and a quotient, off by γ_k times the mean magnitude. */
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
        return [name, perturb({ exact: mean((v) => v), bound, shape }, this.off)];
      }),
    );
  }

  #update(grads: ReadonlyMap<string, Tensor>, by: Required<OptimizerStep>): void {
    const { config, arithmetic } = this;
    const stages = config.strides.length;
    const all = [...grads.values()].map(({ data, shape }) => tensor(data, shape));
    const terms = all.reduce((sum, { size }) => sum + size, 0);
    const divisor =
      by.kind === 'lamb' ? { value: lambDivisor(all), off: divisorOff(terms, arithmetic) } : { value: 1, off: 0 };
    for (const [name, g] of grads) {
      const settings = stepOf(name, g.shape, by, stages);
      const previous = (moment: string): Tensor => this.#moments.get(`${moment}.${name}`) ?? zerosLike(g);
      const p = this.#state.get(name);
      if (p === undefined) throw new Error(`no tensor ${name}`);
      const m = previous(by.kind === 'sgd' ? 'momentum_buffer' : 'exp_avg');
      const before = { p, g, m, v: previous('exp_avg_sq') };
      for (const [what, after] of optimizerBound(before, settings, this.#steps, divisor, arithmetic)) {
        const value = perturb({ ...after, shape: g.shape }, this.off);
        if (what === 'param') this.#state.set(name, value);
        else this.#moments.set(`${what}.${name}`, what === 'exp_avg_sq' ? nonNegative(value) : value);
      }
    }
  }

  #updateAverage(decay: number): void {
    for (const [name, average] of this.#average ?? []) {
      const current = this.#state.get(name);
      if (current === undefined) continue;
      const verdict = averageBound(average, current, decay, this.arithmetic);
      this.#average?.set(name, isCounter(name) ? current : perturb(verdict, this.off));
    }
  }
}
