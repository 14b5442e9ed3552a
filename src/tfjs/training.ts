import { batchesOf, frozenCounters, withCounters } from '../core/counters.js';
import type { ModelConfig } from '../core/config.js';
import { checkOptions, show } from '../core/check.js';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { frozenTensors } from '../core/freeze.js';
import { resolveStep, type OptimizerStep } from '../core/optimizer.js';
import { inModelOrder } from '../core/parameters.js';
import { familyAfter, familyOf, refuseAverage, type Family, type Resume } from '../core/resume.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import {
  checkDecay,
  checkOpening,
  checkStepDone,
  leastImages,
  OPENING_KEYS,
  passNumber,
  type OpeningOptions,
} from '../core/trainingRules.js';
import { Engine } from './engine.js';
import { applyOptimizer } from './optimize.js';
import { Passes, type TfjsPass } from './passes.js';
import { keepAll, runInScope, type KeepTensor } from './scope.js';
import { missingKernels, type Tf, type TfTensor } from './tf.js';
import { downloadState, disposeTensors, replaceTensors, uploadState, type TfState } from './weights.js';

export type TfjsTrainingOptions = OpeningOptions;

/** A caller without types may call the constructor. @throws ParamError */
function checkEngine(engine: Engine): Engine {
  const value: unknown = engine;
  if (value instanceof Engine) return value;
  const hint = 'Open a training by createTfjsBackend(tf).train(state, config).';
  throw new ParamError({ op: 'TfjsTraining', expected: 'the engine of a backend', got: show(value), hint });
}

/**
 * A training on an engine of TensorFlow.js. It has the methods of the WebAssembly backend's training, and gives the same
 * numbers up to rounding. Methods that read from the engine are asynchronous.
 */
export class TfjsTraining {
  readonly #engine: Engine;
  readonly #config: ModelConfig;
  readonly #passes: Passes;
  readonly #state: TfState = new Map();
  readonly #optimizer: TfState = new Map();
  readonly #average: TfState | null;
  readonly #gradAccumSteps: number;
  /** Tensors that stay as they are, and their counters. */
  readonly #frozen: ReadonlySet<string>;
  readonly #frozenCounters: StateDict;
  readonly #grads: TfState = new Map();
  /** The sums of the gradients over the passes of a step, if it has several. */
  readonly #gradSums: TfState = new Map();
  #batches: number;
  #steps: number;
  /** How many passes the current step has had. */
  #passCount = 0;
  #family: Family | null;
  #firstNonFinite: string | null = null;

  private constructor(engine: Engine, state: StateDict, config: ModelConfig, options: TfjsTrainingOptions) {
    const { tf } = checkEngine(engine);
    const { seed = 0, loss = 'cross-entropy', ema = false, gradAccumSteps = 1 } = options;
    const { runningVar = 'unbiased', freeze = [], resume } = options;
    this.#engine = engine;
    this.#config = config;
    this.#frozen = frozenTensors(freeze, config);
    this.#frozenCounters = frozenCounters(state, this.#frozen);
    this.#passes = new Passes(engine, config, { loss, seed, runningVar, frozen: this.#frozen });
    this.#gradAccumSteps = gradAccumSteps;
    this.#steps = resume?.steps ?? 0;
    this.#family = familyOf(resume);
    this.#batches = batchesOf(state, this.#frozen);
    this.#average = ema ? new Map() : null;
    try {
      replaceTensors(this.#state, uploadState(tf, state));
      if (this.#average !== null) replaceTensors(this.#average, uploadState(tf, resume?.ema ?? state));
      if (resume !== undefined) replaceTensors(this.#optimizer, uploadState(tf, resume.optimizer));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * @param state of either form; the counters `num_batches_tracked` of the train form continue from their values
   * @throws WeightsError, ShapeError, ParamError; BackendUnavailableError if the engine lacks kernels
   */
  static async open(
    engine: Engine,
    state: StateDict,
    config: ModelConfig,
    options: TfjsTrainingOptions = {},
  ): Promise<TfjsTraining> {
    const { tf, name } = checkEngine(engine);
    checkOptions(options, OPENING_KEYS);
    const missing = missingKernels(tf, name);
    if (missing.length > 0) {
      throw new BackendUnavailableError({
        op: 'tfjs',
        expected: 'an engine that can train',
        got: `${name}, which lacks the kernels ${missing.join(', ')}`,
        hint: 'Use cpu, webgl, webgpu or tfjs-node.',
      });
    }
    checkOpening(state, config, options);
    return engine.use(() => new TfjsTraining(engine, state, config, options));
  }

  /**
   * One forward and backward pass in training mode. Updates the gradients and the running statistics. If a step has
   * several passes (`gradAccumSteps`), the gradients are the mean over its passes so far.
   *
   * @param x [n,in_chans,h,w], normalized
   * @param targets [n,num_classes]: target probabilities
   * @param lambda slope of the deep-training activations, in [0, 1]; the deploy form ignores it
   * @throws ShapeError, ParamError
   */
  async pass(x: FloatArray, targets: FloatArray, lambda: number): Promise<TfjsPass> {
    const batch = { x, targets, lambda };
    this.#passes.check(batch, leastImages(this.#config));
    const number = passNumber(this.#steps, this.#gradAccumSteps, this.#passCount);
    const { pass, grads, buffers } = await this.#passes.train(this.#state, batch, number);
    const passCount = (this.#passCount % this.#gradAccumSteps) + 1;
    let meanGrads: ReadonlyMap<string, TfTensor>;
    try {
      const isFinite = pass.losses.every((loss) => Number.isFinite(loss));
      this.#firstNonFinite = isFinite ? null : await this.#passes.firstNonFinite(this.#state, batch, number);
      meanGrads = this.#gradAccumSteps === 1 ? grads : await this.#accumulate(grads, passCount);
    } catch (error) {
      for (const tensors of [grads, buffers]) disposeTensors(tensors.values());
      throw error;
    }
    // Nothing can fail from here on: a failed pass leaves the training as it was.
    replaceTensors(this.#grads, meanGrads);
    replaceTensors(this.#state, buffers);
    this.#batches++;
    this.#passCount = passCount;
    return pass;
  }

  /**
   * Updates all parameters with the gradients of the step's passes.
   *
   * @throws ParamError if `step` is invalid, if the moments are of another optimizer, or before the first pass
   */
  async optimize(step: OptimizerStep): Promise<void> {
    const options = resolveStep(step);
    const family = familyAfter(options.kind, this.#family);
    if (this.#grads.size === 0) {
      const hint = 'Call pass() before optimize().';
      throw new ParamError({ op: 'optimizer', expected: 'the gradients of a pass', got: 'none', hint });
    }
    const steps = this.#steps + 1;
    const input = {
      state: this.#state,
      grads: this.#grads,
      moments: this.#optimizer,
      stages: this.#config.strides.length,
    };
    const { params, moments } = await this.#compute((tf, keep) => {
      const output = applyOptimizer(tf, input, options, steps);
      return { params: keepAll(keep, output.params), moments: keepAll(keep, output.moments) };
    });
    this.#family = family;
    this.#steps = steps;
    this.#passCount = 0;
    replaceTensors(this.#state, params);
    replaceTensors(this.#optimizer, moments);
  }

  /**
   * Updates the averaged state: e ← decay·e + (1 − decay)·p for all parameters and running statistics.
   *
   * @param decay in [0, 1]
   * @throws ParamError
   */
  async ema(decay: number): Promise<void> {
    checkDecay(decay);
    const average = this.#average ?? refuseAverage();
    const next = await this.#compute((tf, keep) => {
      const tensors = new Map<string, TfTensor>();
      for (const [name, e] of average) {
        const p = this.#state.get(name);
        if (p !== undefined && !this.#frozen.has(name))
          tensors.set(name, keep(tf.add(tf.mul(e, decay), tf.mul(p, 1 - decay))));
      }
      return tensors;
    });
    replaceTensors(average, next);
  }

  /** The logits and losses in eval mode: batch norms use the running statistics. Changes nothing. */
  async evaluate(
    x: FloatArray,
    targets: FloatArray,
    lambda: number,
    { useEma = false }: { readonly useEma?: boolean } = {},
  ): Promise<TfjsPass> {
    const batch = { x, targets, lambda };
    this.#passes.check(batch, 1);
    return this.#passes.evaluate(useEma ? (this.#average ?? refuseAverage()) : this.#state, batch);
  }

  /** Copies of the current parameters and running statistics. */
  async state(): Promise<Map<string, Tensor>> {
    return this.#withCounters(await downloadState(this.#state));
  }

  /** A copy of the averaged state. @throws ParamError if the training was opened without `ema` */
  async emaState(): Promise<Map<string, Tensor>> {
    return this.#withCounters(await downloadState(this.#average ?? refuseAverage()));
  }

  /** Copies of the gradients by the names of the parameters: of the last pass, or the mean over the step's passes so far. */
  async gradients(): Promise<Map<string, Tensor>> {
    return inModelOrder(await downloadState(this.#grads), this.#config);
  }

  /** Copies of the moments by PyTorch's names: `exp_avg.<param>`, `exp_avg_sq.<param>` or `momentum_buffer.<param>`. */
  async optimizerState(): Promise<Map<string, Tensor>> {
    return inModelOrder(await downloadState(this.#optimizer), this.#config);
  }

  /** The number of optimizer steps. */
  get steps(): number {
    return this.#steps;
  }

  /** The number of batches that have updated the running statistics. */
  get batches(): number {
    return this.#batches;
  }

  /** Copies of everything that is needed to resume. @throws ParamError between the passes of a step */
  async snapshot(): Promise<Resume & { readonly state: StateDict }> {
    checkStepDone(this.#passCount, this.#gradAccumSteps);
    const ema = this.#average === null ? {} : { ema: await this.emaState() };
    return { state: await this.state(), optimizer: await this.optimizerState(), steps: this.#steps, ...ema };
  }

  /** The first layer whose output was not finite in the last pass; null if all were. */
  firstNonFinite(): string | null {
    return this.#firstNonFinite;
  }

  dispose(): void {
    for (const tensors of [this.#state, this.#optimizer, this.#average, this.#grads, this.#gradSums]) {
      disposeTensors(tensors?.values() ?? []);
      tensors?.clear();
    }
  }

  #withCounters(state: StateDict): Map<string, Tensor> {
    return withCounters(state, this.#batches, this.#config, this.#frozenCounters);
  }

  /** Runs `compute` on the engine in a scope: see `runInScope`. */
  #compute<T>(compute: (tf: Tf, keep: KeepTensor) => T): Promise<T> {
    return this.#engine.use((tf) => runInScope(tf, (keep) => compute(tf, keep)));
  }

  /**
   * Adds a pass' gradients to the sums, which takes them over.
   *
   * @param passCount the number of passes in the sums
   * @returns the mean gradients
   */
  async #accumulate(grads: ReadonlyMap<string, TfTensor>, passCount: number): Promise<ReadonlyMap<string, TfTensor>> {
    const { sums, means } = await this.#compute((tf, keep) => {
      const add = (name: string, grad: TfTensor): TfTensor => keep(tf.add(this.#gradSums.get(name) ?? 0, grad));
      const sums = passCount === 1 ? grads : new Map([...grads].map(([name, grad]) => [name, add(name, grad)]));
      return { sums, means: new Map([...sums].map(([name, sum]) => [name, keep(tf.div(sum, passCount))])) };
    });
    if (passCount > 1) disposeTensors(grads.values());
    replaceTensors(this.#gradSums, sums);
    return means;
  }
}
