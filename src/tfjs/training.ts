import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, ParamError, ShapeError } from '../core/errors.js';
import { layerId, layerScale, resolveStep, type Loss, type OptimiserStep } from '../core/optimiser.js';
import { checkState, inOrder } from '../core/parameters.js';
import { uniform } from '../core/philox.js';
import { planNetwork, type Layer } from '../core/plan.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../core/tensor.js';
import {
  checkDecay,
  checkLambda,
  checkLoss,
  checkPasses,
  checkStepDone,
  familyAfter,
  familyOf,
  passNumber,
  type Family,
} from '../core/trainingRules.js';
import { adam } from './adam.js';
import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import type { Engine } from './engine.js';
import { lamb, lambDivisor } from './lamb.js';
import { forward, imagesOf, type Forward } from './network.js';
import { scope, settled, type Keep } from './scope.js';
import { sgd } from './sgd.js';
import { missingKernels, type Maps, type Matrix, type Tf, type TfTensor } from './tf.js';
import { downloadState, isCounter, uploadState, type TfState } from './weights.js';

export interface TfjsTrainingOptions {
  /** Of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Default cross-entropy. */
  readonly loss?: Loss;
  /** Whether an average of the state is kept. Default false. */
  readonly ema?: boolean;
  /** Passes a step, over which gradients are averaged. Default 1. */
  readonly gradAccumSteps?: number;
  /** Where a run that was interrupted goes on from; `state` is the one it had. */
  readonly resume?: {
    readonly optimiser: StateDict;
    readonly steps: number;
    readonly ema?: StateDict;
  };
}

/** What one pass over a batch gave. */
export interface TfjsPass {
  /** In nats, image by image: the loss is their mean. */
  readonly losses: Float64Array;
  /** [n,num_classes] */
  readonly logits: Float32Array;
}

const LOSSES = {
  'cross-entropy': { loss: crossEntropy, backward: crossEntropyBackward },
  bce: { loss: bceWithLogits, backward: bceWithLogitsBackward },
} as const;

/** Puts tensors in the place of others, which are freed. */
function replace(state: TfState, values: ReadonlyMap<string, TfTensor>): void {
  for (const [name, value] of values) {
    state.get(name)?.dispose();
    state.set(name, value);
  }
}

/**
 * A network in training on an engine of TensorFlow.js: the twin of the WebAssembly
 * backend's, with the same names and the same numbers but for rounding. Whatever reads
 * the engine is asynchronous.
 */
export class TfjsTraining {
  readonly #engine: Engine;
  readonly #config: ModelConfig;
  readonly #layers: readonly Layer[];
  readonly #loss: Loss;
  readonly #seed: number;
  readonly #state: TfState = new Map();
  readonly #optimiser: TfState = new Map();
  readonly #average: TfState | null;
  readonly #gradAccumSteps: number;
  readonly #grads: TfState = new Map();
  /** Of gradients over the passes of a step, where there are several. */
  readonly #sums: TfState = new Map();
  #batches: number;
  #steps: number;
  /** Passes of the step that comes next. */
  #passes = 0;
  #family: Family | null = null;
  #broken: string | null = null;

  private constructor(engine: Engine, state: StateDict, config: ModelConfig, options: TfjsTrainingOptions) {
    const { tf } = engine;
    const { seed = 0, loss = 'cross-entropy', ema = false, gradAccumSteps = 1, resume } = options;
    this.#engine = engine;
    this.#config = config;
    this.#layers = planNetwork(config, config.input_size);
    this.#loss = loss;
    this.#seed = seed;
    this.#gradAccumSteps = gradAccumSteps;
    this.#steps = resume?.steps ?? 0;
    this.#batches = [...state].find(([name]) => isCounter(name))?.[1].data[0] ?? 0;
    this.#average = ema ? new Map() : null;
    try {
      replace(this.#state, uploadState(tf, state));
      if (this.#average !== null) replace(this.#average, uploadState(tf, resume?.ema ?? state));
      if (resume !== undefined && resume.steps > 0) {
        replace(this.#optimiser, uploadState(tf, resume.optimiser));
        this.#family = familyOf(resume.optimiser.keys());
      }
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
    checkState(state, config);
    checkLoss(options.loss ?? 'cross-entropy');
    checkPasses(options.gradAccumSteps ?? 1);
    if (options.resume?.ema !== undefined) checkState(options.resume.ema, config);
    return engine.use(() => new TfjsTraining(engine, state, config, options));
  }

  /**
   * One pass in training mode: logits, loss, gradients, running statistics. Where a step is
   * made of several, gradients are their mean so far.
   *
   * @param x [n,in_chans,h,w], normalised
   * @param targets [n,num_classes]: the share of each class in each image
   * @param lambda slope of the deep-training activations, in [0, 1]; the deploy form has none
   * @throws ShapeError, ParamError
   */
  async pass(x: FloatArray, targets: FloatArray, lambda: number): Promise<TfjsPass> {
    const n = this.#check(x, targets, lambda, this.#config.form === 'train' ? 2 : 1);
    const mode = { training: true, lambda };
    const made = await this.#run(x, targets, n, (run, q, tf, keep) => {
      const all = run({ ...mode, mask: this.#mask(n) });
      const { logits } = all;
      const grads = all.backward(LOSSES[this.#loss].backward(tf, logits, q));
      return { logits, buffers: keepAll(keep, all.buffers), grads: keepAll(keep, grads) };
    });
    const passes = (this.#passes % this.#gradAccumSteps) + 1;
    let grads: ReadonlyMap<string, TfTensor>;
    try {
      if (made.pass.losses.some((loss) => !Number.isFinite(loss))) await this.#diagnose(x, targets, n, lambda);
      else this.#broken = null;
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
   * @throws ParamError for what is no step, where the moments are another optimiser's, or before the first pass
   */
  async optimise(step: OptimiserStep): Promise<void> {
    const all = resolveStep(step);
    const family = familyAfter(all.kind, this.#family);
    if (this.#grads.size === 0) throw new ParamError({ op: 'optimiser', expected: 'a pass before', got: 'none' });
    const steps = this.#steps + 1;
    const { moved, moments } = await this.#scope((keep, tf) => {
      const divisor = all.kind === 'lamb' ? lambDivisor(tf, this.#grads.values()) : null;
      const [moved, moments] = [new Map<string, TfTensor>(), new Map<string, TfTensor>()];
      for (const [name, before] of this.#state) {
        const grad = this.#grads.get(name);
        if (grad === undefined) continue;
        const { param, ...own } = this.#move(name, before, grad, all, steps, divisor);
        moved.set(name, keep(param));
        for (const [key, value] of Object.entries(own)) moments.set(`${key}.${name}`, keep(value));
      }
      return { moved, moments };
    });
    this.#family = family;
    this.#steps = steps;
    this.#passes = 0;
    replace(this.#state, moved);
    replace(this.#optimiser, moments);
  }

  /** e ← decay·e + (1 − decay)·p, running statistics and all. @param decay in [0, 1] @throws ParamError */
  async ema(decay: number): Promise<void> {
    checkDecay(decay);
    const average = this.#averaged();
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

  /** Logits and loss in eval mode: normalised by the running statistics; nothing else changes. */
  async evaluate(
    x: FloatArray,
    targets: FloatArray,
    lambda: number,
    { useEma = false }: { readonly useEma?: boolean } = {},
  ): Promise<TfjsPass> {
    const n = this.#check(x, targets, lambda, 1);
    const state = useEma ? this.#averaged() : this.#state;
    const { pass } = await this.#run(
      x,
      targets,
      n,
      (run) => ({ logits: run({ training: false, lambda }).logits }),
      state,
    );
    return pass;
  }

  /** Parameters and running statistics, as they stand; copies. */
  async state(): Promise<Map<string, Tensor>> {
    return this.#whole(await downloadState(this.#state));
  }

  /** The averaged state; a copy. @throws ParamError where none is kept */
  async emaState(): Promise<Map<string, Tensor>> {
    return this.#whole(await downloadState(this.#averaged()));
  }

  /** Gradients of the last pass, or the mean over the step's so far, under the parameters' names. */
  async gradients(): Promise<Map<string, Tensor>> {
    return inOrder(await downloadState(this.#grads), this.#config);
  }

  /** Moments under PyTorch's names: `exp_avg.<param>`, `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; copies. */
  async optimiserState(): Promise<Map<string, Tensor>> {
    return inOrder(await downloadState(this.#optimiser), this.#config);
  }

  get steps(): number {
    return this.#steps;
  }

  /** Batches that the norms have seen. */
  get batches(): number {
    return this.#batches;
  }

  /** Everything that a run needs to go on. @throws ParamError between a step's passes */
  async snapshot(): Promise<{ state: StateDict; optimiser: StateDict; steps: number; ema?: StateDict }> {
    checkStepDone(this.#passes, this.#gradAccumSteps);
    const ema = this.#average === null ? {} : { ema: await this.emaState() };
    return { state: await this.state(), optimiser: await this.optimiserState(), steps: this.#steps, ...ema };
  }

  /** The first layer whose output in the last pass has a value that is no number; null where none has. */
  firstNonFinite(): string | null {
    return this.#broken;
  }

  dispose(): void {
    const average = this.#average ?? new Map<string, TfTensor>();
    for (const tensors of [this.#state, this.#optimiser, average, this.#grads, this.#sums]) {
      for (const tensor of tensors.values()) tensor.dispose();
      tensors.clear();
    }
  }

  #averaged(): TfState {
    if (this.#average !== null) return this.#average;
    throw new ParamError({ op: 'ema', expected: 'a session opened with ema', got: 'one without' });
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

  /** With the counters of batches. */
  #whole(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    const whole = new Map<string, Tensor>();
    for (const [name, tensor] of state) {
      whole.set(name, tensor);
      if (!name.endsWith('.running_var')) continue;
      const counter = name.replace('running_var', 'num_batches_tracked');
      whole.set(counter, { data: Float64Array.of(this.#batches), shape: [] });
    }
    return inOrder(whole, this.#config);
  }

  #check(x: FloatArray, targets: FloatArray, lambda: number, least: number): number {
    const { in_chans, input_size, num_classes } = this.#config;
    const n = targets.length / num_classes;
    if (!Number.isInteger(n) || n < least) {
      const expected = `targets [n,${num_classes}], n at least ${least}`;
      throw new ShapeError({ op: 'training', expected, got: `${targets.length} values` });
    }
    const shape = [n, in_chans, ...input_size];
    if (x.length !== sizeOf(shape)) {
      throw new ShapeError({ op: 'training', expected: `x [${shape.join(',')}]`, got: `${x.length} values` });
    }
    checkLambda(lambda);
    return n;
  }

  /** Runs the chain in a scope, and reads losses and logits; `make` says what else is kept. */
  async #run<T extends { readonly logits: Matrix }>(
    x: FloatArray,
    targets: FloatArray,
    n: number,
    make: (run: (mode: Parameters<typeof forward>[4]) => Forward, q: Matrix, tf: Tf, keep: Keep) => T,
    state: TfState = this.#state,
  ): Promise<Omit<T, 'logits'> & { pass: TfjsPass }> {
    const { in_chans, input_size, num_classes } = this.#config;
    const kept: TfTensor[] = [];
    const { made, logits, losses } = await this.#scope((keep, tf) => {
      const images = imagesOf(tf, x, [n, in_chans, ...input_size]);
      const q: Matrix = tf.tensor(new Float32Array(targets), [n, num_classes], 'float32');
      const run = (mode: Parameters<typeof forward>[4]): Forward => forward(tf, this.#layers, state, images, mode);
      const all = make(run, q, tf, (made) => {
        kept.push(made);
        return keep(made);
      });
      const each = LOSSES[this.#loss].loss(tf, all.logits, q);
      return { made: all, logits: keep(all.logits), losses: keep(each) };
    });
    try {
      const [values, each] = await settled([logits.data(), losses.data()]);
      return { ...made, pass: { losses: Float64Array.from(each), logits: new Float32Array(values) } };
    } catch (error) {
      free(kept);
      throw error;
    } finally {
      free([logits, losses]);
    }
  }

  /** What dropout multiplies by, from the same numbers as in the other backends; null where nothing is dropped. */
  #mask(n: number): Maps | null {
    const { drop_rate, dims } = this.#config;
    if (drop_rate === 0) return null;
    const channels = dims[dims.length - 1];
    const stream = 2 ** 31 + passNumber(this.#steps, this.#gradAccumSteps, this.#passes);
    const kept = 1 / (1 - drop_rate);
    const mask = Float32Array.from({ length: n * channels }, (_, i) =>
      uniform(this.#seed, stream, i) < drop_rate ? 0 : kept,
    );
    return this.#engine.tf.tensor(mask, [n, 1, 1, channels], 'float32');
  }

  /** Where a pass went wrong: made once more, with what it began with. */
  async #diagnose(x: FloatArray, targets: FloatArray, n: number, lambda: number): Promise<void> {
    const { maps } = await this.#run(x, targets, n, (run, _, tf, keep) => {
      const { logits, traces } = run({ training: true, lambda, mask: this.#mask(n) });
      return { logits, maps: traces.map(({ name, y }) => ({ name, y: keep(tf.add(y, 0)) })) };
    });
    try {
      let broken: string | null = null;
      for (const { name, y } of maps) {
        const values = await y.data();
        if (broken === null && !values.every((value) => Number.isFinite(value))) broken = name;
      }
      this.#broken = broken;
    } finally {
      free(maps.map(({ y }) => y));
    }
  }

  #move(
    name: string,
    before: TfTensor,
    grad: TfTensor,
    { kind, layerDecay, decayVectors, ...by }: Required<OptimiserStep>,
    steps: number,
    divisor: TfTensor | null,
  ): { param: TfTensor } & Record<string, TfTensor> {
    const { tf } = this.#engine;
    const stages = this.#config.strides.length;
    const step = {
      ...by,
      lr: by.lr * layerScale(layerDecay, layerId(name, stages), stages),
      weightDecay: grad.rank > 1 || decayVectors ? by.weightDecay : 0,
    };
    const old = (key: string): TfTensor => this.#optimiser.get(`${key}.${name}`) ?? tf.zeros(grad.shape);
    if (kind === 'sgd') {
      const { param, buffer } = sgd(tf, before, grad, old('momentum_buffer'), step);
      return { param, momentum_buffer: buffer };
    }
    const moments = { m: old('exp_avg'), v: old('exp_avg_sq') };
    const { param, m, v } =
      divisor !== null
        ? lamb(tf, before, grad, moments, steps, divisor, step)
        : adam(tf, before, grad, moments, steps, { ...step, decoupled: kind === 'adamw' });
    return { param, exp_avg: m, exp_avg_sq: v };
  }
}

function keepAll(keep: Keep, tensors: ReadonlyMap<string, TfTensor>): Map<string, TfTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, keep(tensor)]));
}

function free(tensors: Iterable<TfTensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
