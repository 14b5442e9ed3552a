import { batchesOf, withCounters } from '../core/counters.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { resolveStep, type OptimizerStep } from '../core/optimizer.js';
import { inModelOrder } from '../core/parameters.js';
import { familyAfter, familyOf, refuseAverage, type Family, type Resume } from '../core/resume.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import {
  checkDecay,
  checkOpening,
  checkStepDone,
  leastImages,
  passNumber,
  type OpeningOptions,
} from '../core/trainingRules.js';
import type { Engine } from './engine.js';
import { applyOptimizer } from './optimize.js';
import { Passes, type TfjsPass } from './passes.js';
import { keepAll, scope, type Keep } from './scope.js';
import { missingKernels, type Tf, type TfTensor } from './tf.js';
import { downloadState, free, replace, uploadState, type TfState } from './weights.js';

export type TfjsTrainingOptions = OpeningOptions;

/**
 * A network in training on an engine of TensorFlow.js: the twin of the WebAssembly
 * backend's, with the same names and the same numbers but for rounding. Whatever reads
 * the engine is asynchronous.
 */
export class TfjsTraining {
  readonly #engine: Engine;
  readonly #config: ModelConfig;
  readonly #network: Passes;
  readonly #state: TfState = new Map();
  readonly #optimizer: TfState = new Map();
  readonly #average: TfState | null;
  readonly #gradAccumSteps: number;
  readonly #grads: TfState = new Map();
  /** Of gradients over the passes of a step, where there are several. */
  readonly #sums: TfState = new Map();
  #batches: number;
  #steps: number;
  /** Passes of the step that comes next. */
  #passes = 0;
  #family: Family | null;
  #broken: string | null = null;

  private constructor(engine: Engine, state: StateDict, config: ModelConfig, options: TfjsTrainingOptions) {
    const { tf } = engine;
    const { seed = 0, loss = 'cross-entropy', ema = false, gradAccumSteps = 1, resume } = options;
    this.#engine = engine;
    this.#config = config;
    this.#network = new Passes(engine, config, { loss, seed });
    this.#gradAccumSteps = gradAccumSteps;
    this.#steps = resume?.steps ?? 0;
    this.#family = familyOf(resume);
    this.#batches = batchesOf(state);
    this.#average = ema ? new Map() : null;
    try {
      replace(this.#state, uploadState(tf, state));
      if (this.#average !== null) replace(this.#average, uploadState(tf, resume?.ema ?? state));
      if (resume !== undefined) replace(this.#optimizer, uploadState(tf, resume.optimizer));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * @param state of either form; the train form's counters `num_batches_tracked` go on from where they are
   * @throws WeightsError, ShapeError, ParamError; BackendUnavailableError where the engine lacks kernels
   */
  static async open(
    engine: Engine,
    state: StateDict,
    config: ModelConfig,
    options: TfjsTrainingOptions = {},
  ): Promise<TfjsTraining> {
    const missing = missingKernels(engine.tf, engine.name);
    if (missing.length > 0) {
      const got = `${engine.name}, which has no ${missing.join(', ')}`;
      throw new BackendUnavailableError({ op: 'tfjs', expected: 'an engine that trains', got });
    }
    checkOpening(state, config, options);
    return engine.use(() => new TfjsTraining(engine, state, config, options));
  }

  /**
   * One pass in training mode: logits, loss, gradients, running statistics. Where a step is
   * made of several, gradients are their mean so far.
   *
   * @param x [n,in_chans,h,w], normalized
   * @param targets [n,num_classes]: the share of each class in each image
   * @param lambda slope of the deep-training activations, in [0, 1]; the deploy form has none
   * @throws ShapeError, ParamError
   */
  async pass(x: FloatArray, targets: FloatArray, lambda: number): Promise<TfjsPass> {
    const batch = { x, targets, lambda };
    this.#network.check(batch, leastImages(this.#config));
    const number = passNumber(this.#steps, this.#gradAccumSteps, this.#passes);
    const made = await this.#network.train(this.#state, batch, number);
    const passes = (this.#passes % this.#gradAccumSteps) + 1;
    let grads: ReadonlyMap<string, TfTensor>;
    try {
      const isNumber = made.pass.losses.every((loss) => Number.isFinite(loss));
      this.#broken = isNumber ? null : await this.#network.firstNonFinite(this.#state, batch, number);
      grads = this.#gradAccumSteps === 1 ? made.grads : await this.#added(made.grads, passes);
    } catch (error) {
      for (const tensors of [made.grads, made.buffers]) free(tensors.values());
      throw error;
    }
    replace(this.#grads, grads);
    replace(this.#state, made.buffers);
    this.#batches++;
    this.#passes = passes;
    return made.pass;
  }

  /**
   * Moves every parameter along the gradients of the step's passes.
   *
   * @throws ParamError for what is no step, where the moments are another optimizer's, or before the first pass
   */
  async optimize(step: OptimizerStep): Promise<void> {
    const all = resolveStep(step);
    const family = familyAfter(all.kind, this.#family);
    if (this.#grads.size === 0) throw new ParamError({ op: 'optimizer', expected: 'a pass before', got: 'none' });
    const steps = this.#steps + 1;
    const before = {
      state: this.#state,
      grads: this.#grads,
      moments: this.#optimizer,
      stages: this.#config.strides.length,
    };
    const { params, moments } = await this.#scope((keep, tf) => {
      const after = applyOptimizer(tf, before, all, steps);
      return { params: keepAll(keep, after.params), moments: keepAll(keep, after.moments) };
    });
    this.#family = family;
    this.#steps = steps;
    this.#passes = 0;
    replace(this.#state, params);
    replace(this.#optimizer, moments);
  }

  /** e ← decay·e + (1 − decay)·p, running statistics and all. @param decay in [0, 1] @throws ParamError */
  async ema(decay: number): Promise<void> {
    checkDecay(decay);
    const average = this.#average ?? refuseAverage();
    const moved = await this.#scope((keep, tf) => {
      const moved = new Map<string, TfTensor>();
      for (const [name, e] of average) {
        const p = this.#state.get(name);
        if (p !== undefined) moved.set(name, keep(tf.add(tf.mul(e, decay), tf.mul(p, 1 - decay))));
      }
      return moved;
    });
    replace(average, moved);
  }

  /** Logits and loss in eval mode: normalized by the running statistics; nothing else changes. */
  async evaluate(
    x: FloatArray,
    targets: FloatArray,
    lambda: number,
    { useEma = false }: { readonly useEma?: boolean } = {},
  ): Promise<TfjsPass> {
    const batch = { x, targets, lambda };
    this.#network.check(batch, 1);
    return this.#network.evaluate(useEma ? (this.#average ?? refuseAverage()) : this.#state, batch);
  }

  /** Parameters and running statistics, as they stand; copies. */
  async state(): Promise<Map<string, Tensor>> {
    return withCounters(await downloadState(this.#state), this.#batches, this.#config);
  }

  /** The averaged state; a copy. @throws ParamError where none is kept */
  async emaState(): Promise<Map<string, Tensor>> {
    return withCounters(await downloadState(this.#average ?? refuseAverage()), this.#batches, this.#config);
  }

  /** Gradients of the last pass, or the mean over the step's so far, under the parameters' names. */
  async gradients(): Promise<Map<string, Tensor>> {
    return inModelOrder(await downloadState(this.#grads), this.#config);
  }

  /** Moments under PyTorch's names: `exp_avg.<param>`, `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; copies. */
  async optimizerState(): Promise<Map<string, Tensor>> {
    return inModelOrder(await downloadState(this.#optimizer), this.#config);
  }

  get steps(): number {
    return this.#steps;
  }

  /** Batches that the norms have seen. */
  get batches(): number {
    return this.#batches;
  }

  /** Everything that a run needs to go on. @throws ParamError between a step's passes */
  async snapshot(): Promise<Resume & { readonly state: StateDict }> {
    checkStepDone(this.#passes, this.#gradAccumSteps);
    const ema = this.#average === null ? {} : { ema: await this.emaState() };
    return { state: await this.state(), optimizer: await this.optimizerState(), steps: this.#steps, ...ema };
  }

  /** The first layer whose output in the last pass has a value that is no number; null where none has. */
  firstNonFinite(): string | null {
    return this.#broken;
  }

  dispose(): void {
    for (const tensors of [this.#state, this.#optimizer, this.#average, this.#grads, this.#sums]) {
      free(tensors?.values() ?? []);
      tensors?.clear();
    }
  }

  /** What is computed on the engine: see `scope`. */
  #scope<T>(run: (keep: Keep, tf: Tf) => T): Promise<T> {
    return this.#engine.use((tf) => scope(tf, (keep) => run(keep, tf)));
  }

  /** Takes a pass' gradients into the sums. @returns their means, over so many passes */
  async #added(grads: ReadonlyMap<string, TfTensor>, passes: number): Promise<ReadonlyMap<string, TfTensor>> {
    const { sums, means } = await this.#scope((keep, tf) => {
      const added = (name: string, grad: TfTensor): TfTensor => keep(tf.add(this.#sums.get(name) ?? 0, grad));
      const sums = passes === 1 ? grads : new Map([...grads].map(([name, grad]) => [name, added(name, grad)]));
      return { sums, means: new Map([...sums].map(([name, sum]) => [name, keep(tf.div(sum, passes))])) };
    });
    if (passes > 1) free(grads.values());
    replace(this.#sums, sums);
    return means;
  }
}
