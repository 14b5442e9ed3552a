import { batchesOf, frozenCounters, withCounters } from '../../core/counters.js';
import type { ModelConfig } from '../../core/config.js';
import { frozenTensors } from '../../core/freeze.js';
import { resolveStep, type OptimizerStep } from '../../core/optimizer.js';
import { inModelOrder } from '../../core/parameters.js';
import { familyAfter, familyOf, refuseAverage, type Family, type Resume } from '../../core/resume.js';
import { checkDecay, checkOpening, checkStepDone, passNumber, type OpeningOptions } from '../../core/trainingRules.js';
import type { FloatArray, StateDict, Tensor } from '../../core/tensor.js';
import { writeBatch, readPass, type Pass } from './batches.js';
import { TrainingMemory, type MemoryOptions } from './memory.js';
import { pitchOf, type Planes } from './planes.js';
import { averageAt, gradientsAt, momentsAt } from './tensors.js';

export type TrainingOptions = MemoryOptions & OpeningOptions;

/**
 * A network in training in linear memory: parameters, gradients, moments and the activations that the backward pass needs.
 * A step allocates nothing except its results.
 */
export class TrainingSession {
  readonly #memory: TrainingMemory;
  readonly #seed: number;
  readonly #gradAccumSteps: number;
  /** Counters of batch norms that stay as they are. */
  readonly #frozenCounters: StateDict;
  /** Batches that the other norms have seen, and steps of the optimizer. */
  #batches: number;
  #steps: number;
  /** Passes since the last step. */
  #passes = 0;
  /** Null before the first step. */
  #family: Family | null;

  private constructor(
    memory: TrainingMemory,
    state: StateDict,
    { seed = 0, gradAccumSteps = 1, freeze = [], resume }: TrainingOptions,
  ) {
    this.#memory = memory;
    this.#seed = seed;
    this.#gradAccumSteps = gradAccumSteps;
    const frozen = frozenTensors(freeze, memory.config);
    this.#frozenCounters = frozenCounters(state, frozen);
    this.#batches = batchesOf(state, frozen);
    this.#steps = resume?.steps ?? 0;
    this.#family = familyOf(resume);
    const { layout } = memory;
    memory.load(layout.tensors, state);
    if (layout.average !== null) memory.load(averageAt(layout), resume?.ema ?? state);
    if (resume !== undefined) memory.load(momentsAt(layout, this.#family), resume.optimizer);
  }

  /**
   * @param state of either form; the counters `num_batches_tracked` of the train form continue from their values
   * @throws WeightsError, ShapeError, ParamError, BackendUnavailableError
   */
  static async open(state: StateDict, config: ModelConfig, options: TrainingOptions): Promise<TrainingSession> {
    checkOpening(state, config, options);
    return new TrainingSession(await TrainingMemory.open(config, options), state, options);
  }

  /**
   * One pass in training mode: computes logits, loss and gradients, and updates the running statistics. If a step has
   * several passes, the gradients are their mean so far.
   *
   * @param x [n,in_chans,h,w], normalized
   * @param targets [n,num_classes], the probability of each class
   * @param lambda slope of the activations of deep training, in [0, 1]; the deploy form ignores it
   * @throws ShapeError, ParamError
   */
  pass(x: FloatArray, targets: FloatArray, lambda: number): Pass {
    const memory = this.#memory;
    writeBatch(memory, x, targets, lambda);
    const { dropout, accumulation, forward, backward } = memory.layout;
    const number = passNumber(this.#steps, this.#gradAccumSteps, this.#passes);
    dropout.set(memory.view, { seed: this.#seed, stream: 2 ** 31 + number });
    memory.runPass(forward, backward);
    this.#batches++;
    this.#passes = (this.#passes % this.#gradAccumSteps) + 1;
    if (accumulation !== null) {
      accumulation.op.set(memory.view, { passes: this.#passes });
      memory.runAlone(accumulation.span);
    }
    return readPass(memory);
  }

  /**
   * One step of the optimizer with the gradients of the passes since the last step.
   *
   * @throws ParamError for an invalid step, or if the moments belong to another optimizer
   */
  optimize(step: OptimizerStep): void {
    const all = resolveStep(step);
    this.#family = familyAfter(all.kind, this.#family);
    this.#steps++;
    this.#passes = 0;
    const { layout, view, config } = this.#memory;
    layout.optimizers.set(view, all, this.#steps, config.strides.length);
    this.#memory.runAlone(layout.optimizers.spans[all.kind === 'adamw' ? 'adam' : all.kind]);
  }

  /**
   * Updates the averaged state, running statistics included: e ← decay·e + (1 − decay)·p.
   *
   * @param decay in [0, 1]
   * @throws ParamError
   */
  ema(decay: number): void {
    checkDecay(decay);
    const { layout, view } = this.#memory;
    const { op, average } = layout.average ?? refuseAverage();
    op.set(view, { rest: 1 - decay });
    this.#memory.runAlone(average);
  }

  /**
   * Computes logits and loss in eval mode, with the running statistics. The state does not change.
   *
   * @param useEma whether to evaluate the averaged state
   * @throws ShapeError, ParamError
   */
  evaluate(x: FloatArray, targets: FloatArray, lambda: number, { useEma = false } = {}): Pass {
    const memory = this.#memory;
    writeBatch(memory, x, targets, lambda);
    const { evaluate, average } = memory.layout;
    const exchange = useEma ? (average ?? refuseAverage()).exchange : null;
    if (exchange !== null) memory.runAlone(exchange);
    memory.runPass(evaluate);
    if (exchange !== null) memory.runAlone(exchange);
    return readPass(memory);
  }

  /** The build, the running threads including the caller's, and the bytes of linear memory. */
  get info(): TrainingMemory['info'] {
    return this.#memory.info;
  }

  /** The current parameters and running statistics, as copies. */
  state(): Map<string, Tensor> {
    return this.#withCounters(this.#memory.read(this.#memory.layout.tensors));
  }

  /** The averaged state, as copies. @throws ParamError if the session was not opened with `ema` */
  emaState(): Map<string, Tensor> {
    return this.#withCounters(this.#memory.read(averageAt(this.#memory.layout)));
  }

  /** The gradients of the parameters that are trained: of the last pass, or their mean over the passes since the last step, by the names of the parameters. */
  gradients(): Map<string, Tensor> {
    const { layout, config } = this.#memory;
    return inModelOrder(this.#memory.read(gradientsAt(layout)), config);
  }

  /** The moments by PyTorch's names (`exp_avg.<param>`, `exp_avg_sq.<param>` or `momentum_buffer.<param>`), as copies. */
  optimizerState(): Map<string, Tensor> {
    const { layout, config } = this.#memory;
    return inModelOrder(this.#memory.read(momentsAt(layout, this.#family)), config);
  }

  /** Steps of the optimizer so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Batches that the norms have seen so far. */
  get batches(): number {
    return this.#batches;
  }

  /** Everything that `open` needs to continue with the same bits. @throws ParamError between the passes of a step */
  snapshot(): Resume & { readonly state: StateDict } {
    checkStepDone(this.#passes, this.#gradAccumSteps);
    const ema = this.#memory.layout.average === null ? {} : { ema: this.emaState() };
    return { state: this.state(), optimizer: this.optimizerState(), steps: this.#steps, ...ema };
  }

  /** The first layer whose output in the last pass has a value that is not finite; null if all are finite. */
  firstNonFinite(): string | null {
    const { layout, floats, n } = this.#memory;
    const finite = ({ block, channels, h, w }: Planes): boolean =>
      floats
        .subarray(block / 4, block / 4 + (channels / 4) * (pitchOf(n * h * w) / 4))
        .every((value) => Number.isFinite(value));
    return layout.units.find(({ y }) => !finite(y))?.name ?? null;
  }

  #withCounters(state: StateDict): Map<string, Tensor> {
    return withCounters(state, this.#batches, this.#memory.config, this.#frozenCounters);
  }

  dispose(): void {
    this.#memory.stop();
  }
}
