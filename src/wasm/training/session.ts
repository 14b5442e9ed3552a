import type { ModelConfig } from '../../core/config.js';
import { ParamError, ShapeError } from '../../core/errors.js';
import { resolveStep, type Loss, type OptimiserStep } from '../../core/optimiser.js';
import { checkState, inOrder } from '../../core/parameters.js';
import {
  checkDecay,
  checkLambda,
  checkStepDone,
  familyAfter,
  familyOf,
  passNumber,
  type Family,
} from '../../core/trainingRules.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../../core/tensor.js';
import { buildOf, type Build, type BuildChoice } from '../build.js';
import { instantiate, type Kernels } from '../module.js';
import { mayWait, openTeam, orAlone, threadCount, type Threads } from '../team.js';
import { threadedTrainingBytesOf, trainingBytesOf } from './build.js';
import { planTraining, type Span, type TrainingLayout } from './layout.js';
import type { Average } from './optimisers.js';
import { pitchOf, type Planes } from './planes.js';
import { checkTensors, loadTensors, readTensor, tensorsAt, type TensorBlock } from './tensors.js';

/** What of `Kernels` the training module has. */
type TrainingKernels = Pick<Kernels, 'memory' | 'heapBase' | 'packLanes' | 'runProgram' | 'stop' | 'isRelaxed'>;

export interface TrainingOptions {
  /** Images of every pass: the memory is laid out for them. */
  readonly batchSize: number;
  readonly build?: BuildChoice;
  /** 1 where it is not given. The plain build's numbers do not depend on it. */
  readonly threads?: Threads;
  /** Of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Default cross-entropy. */
  readonly loss?: Loss;
  /** Whether an average of the state is kept. Default false. */
  readonly ema?: boolean;
  /** Passes a step, over which gradients are averaged. Default 1. */
  readonly gradAccumSteps?: number;
  /** Where a run that was interrupted goes on from; `state` is the one it had. */
  readonly resume?: Resume;
}

/** What of a run is not its state. */
export interface Resume {
  /** As `optimiserState` gave it. */
  readonly optimiser: StateDict;
  /** Steps made so far. */
  readonly steps: number;
  /** As `emaState` gave it; the state itself where it is not given. */
  readonly ema?: StateDict;
}

/** What one pass over a batch gave. */
export interface Pass {
  /** In nats, image by image: the loss is their mean. */
  readonly losses: Float64Array;
  /** [n, num_classes] */
  readonly logits: Float32Array;
}

/**
 * A network in training, in linear memory: parameters, gradients, moments and what the
 * way back needs of the way forward. Nothing is allocated per step but the logits.
 */
export class TrainingSession {
  readonly info: { readonly build: Build; readonly threads: number; readonly memory: number };
  readonly #config: ModelConfig;
  readonly #batchSize: number;
  readonly #seed: number;
  readonly #gradAccumSteps: number;
  readonly #kernels: TrainingKernels;
  readonly #layout: TrainingLayout;
  readonly #view: DataView;
  readonly #floats: Float32Array;
  readonly #mayWait: boolean;
  /** Batches that the norms have seen, and steps that were made. */
  #batches = 0;
  #steps = 0;
  /** Passes of the step that comes next. */
  #passes = 0;
  /** Null before the first step. */
  #family: Family | null = null;

  private constructor(
    config: ModelConfig,
    { batchSize, seed = 0, gradAccumSteps = 1 }: TrainingOptions,
    kernels: TrainingKernels,
    layout: TrainingLayout,
    threads = 1,
  ) {
    const { buffer } = kernels.memory;
    this.info = {
      build: kernels.isRelaxed() ? 'relaxed' : 'plain',
      threads,
      memory: buffer.byteLength,
    };
    this.#config = config;
    this.#batchSize = batchSize;
    this.#seed = seed;
    this.#gradAccumSteps = gradAccumSteps;
    this.#kernels = kernels;
    this.#layout = layout;
    this.#view = new DataView(buffer);
    this.#floats = new Float32Array(buffer);
    this.#mayWait = mayWait();
  }

  /**
   * @param state of either form; the train form's counters `num_batches_tracked` go on from where they are
   * @throws WeightsError, ShapeError, ParamError, BackendUnavailableError
   */
  static async open(state: StateDict, config: ModelConfig, options: TrainingOptions): Promise<TrainingSession> {
    checkState(state, config);
    const build = buildOf(options.build ?? 'auto');
    const asked = options.threads ?? 1;
    const threads = threadCount(asked);
    const alone = async (): Promise<TrainingSession> => {
      const layout = planTraining(config, options.batchSize, { ...options, threads: 1 });
      const kernels = await instantiate(trainingBytesOf(build));
      layout.arena.commit(kernels.memory);
      return new TrainingSession(config, options, kernels, layout);
    };
    const team = async (): Promise<TrainingSession> => {
      const layout = planTraining(config, options.batchSize, { ...options, threads });
      const { arena, program, scratch } = layout;
      const work = { memory: arena.end, program: program.address, scratch };
      const { kernels, ready, size, stop } = await openTeam(asked, await threadedTrainingBytesOf(build), work);
      await ready.catch((error: unknown) => {
        stop();
        throw error;
      });
      return new TrainingSession(config, options, kernels, layout, size());
    };
    const session = threads === 1 ? await alone() : await orAlone(asked, team, alone);
    try {
      session.#load(state, options.resume);
    } catch (error) {
      session.dispose();
      throw error;
    }
    return session;
  }

  #load(state: StateDict, resume: Resume | undefined): void {
    const { tensors, blocks, scratch, scratchBytes, write } = this.#layout;
    write(this.#view);
    const part = { block: scratch[0], floats: scratchBytes / 4 };
    loadTensors(this.#kernels, tensors, state, part);
    const counter = [...state].find(([name]) => name.endsWith('.num_batches_tracked'));
    this.#batches = counter?.[1].data[0] ?? 0;
    if (blocks.ema !== null) {
      this.#floats.copyWithin(blocks.ema / 4, blocks.state / 4, blocks.state / 4 + blocks.floats);
    }
    if (resume === undefined) return;
    const { optimiser, steps, ema } = resume;
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new ParamError({ op: 'resume', expected: 'steps an integer >= 0', got: String(steps) });
    }
    this.#steps = steps;
    if (steps > 0) {
      this.#family = familyOf(optimiser.keys());
      const moments = this.#moments();
      checkTensors(optimiser, moments);
      loadTensors(this.#kernels, moments, optimiser, part);
    }
    if (ema === undefined) return;
    const average = this.#average();
    checkState(ema, this.#config);
    loadTensors(this.#kernels, average, ema, part);
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
  pass(x: FloatArray, targets: FloatArray, lambda: number): Pass {
    this.#give(x, targets, lambda);
    const { dropout, accumulation } = this.#layout;
    const number = passNumber(this.#steps, this.#gradAccumSteps, this.#passes);
    dropout.set(this.#view, { seed: this.#seed, stream: 2 ** 31 + number });
    this.#run(this.#layout.forward);
    this.#run(this.#layout.backward);
    this.#batches++;
    this.#passes = (this.#passes % this.#gradAccumSteps) + 1;
    if (accumulation !== null) {
      accumulation.op.set(this.#view, { passes: this.#passes });
      this.#run(accumulation.span);
    }
    return this.#result();
  }

  /**
   * Moves every parameter along the gradients of the step's passes.
   *
   * @throws ParamError for what is no step, or where the moments are another optimiser's
   */
  optimise(step: OptimiserStep): void {
    const all = resolveStep(step);
    this.#family = familyAfter(all.kind, this.#family);
    this.#steps++;
    this.#passes = 0;
    const { optimisers } = this.#layout;
    optimisers.set(this.#view, all, this.#steps, this.#config.strides.length);
    this.#run(optimisers.spans[all.kind === 'adamw' ? 'adam' : all.kind]);
  }

  /**
   * Moves the averaged state towards the state: e ← decay·e + (1 − decay)·p, running
   * statistics and all.
   *
   * @param decay in [0, 1]
   * @throws ParamError
   */
  ema(decay: number): void {
    checkDecay(decay);
    const { op, average } = this.#averaging();
    op.set(this.#view, { rest: 1 - decay });
    this.#run(average);
  }

  /** The averaged state; a copy. @throws ParamError where the session was not opened with `ema` */
  emaState(): Map<string, Tensor> {
    return this.#read(this.#average());
  }

  /** Moments under PyTorch's names: `exp_avg.<param>`, `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; copies. */
  optimiserState(): Map<string, Tensor> {
    const moments = [...this.#moments()];
    const read = new Map(moments.map(([name, tensor]) => [name, readTensor(this.#floats, tensor, tensor.block)]));
    return inOrder(read, this.#config);
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Batches that the norms have seen. */
  get batches(): number {
    return this.#batches;
  }

  /** Everything that `open` needs for a run to go on to the same bits. @throws ParamError between a step's passes */
  snapshot(): Resume & { readonly state: StateDict } {
    checkStepDone(this.#passes, this.#gradAccumSteps);
    const ema = this.#layout.average === null ? {} : { ema: this.emaState() };
    return { state: this.state(), optimiser: this.optimiserState(), steps: this.#steps, ...ema };
  }

  /**
   * Logits and loss in eval mode: normalised by the running statistics; nothing else changes.
   *
   * @param useEma whether the averaged state is to be evaluated
   * @throws ShapeError, ParamError
   */
  evaluate(x: FloatArray, targets: FloatArray, lambda: number, { useEma = false } = {}): Pass {
    this.#give(x, targets, lambda);
    const { evaluate } = this.#layout;
    const exchange = useEma ? this.#averaging().exchange : null;
    if (exchange !== null) this.#run(exchange);
    this.#run(evaluate);
    if (exchange !== null) this.#run(exchange);
    return this.#result();
  }

  /** Parameters and running statistics, as they stand; copies. */
  state(): Map<string, Tensor> {
    return this.#read(this.#layout.tensors);
  }

  /** Gradients of the last pass, or the mean over the step's so far, under the parameters' names. */
  gradients(): Map<string, Tensor> {
    const read = [...this.#layout.tensors].flatMap(([name, tensor]) =>
      tensor.grad === null ? [] : [[name, readTensor(this.#floats, tensor, tensor.grad)] as const],
    );
    return inOrder(new Map(read), this.#config);
  }

  /** The first layer whose output in the last pass has a value that is no number; null where none has. */
  firstNonFinite(): string | null {
    const finite = ({ block, channels, h, w }: Planes): boolean =>
      this.#floats
        .subarray(block / 4, block / 4 + (channels / 4) * (pitchOf(this.#batchSize * h * w) / 4))
        .every((value) => Number.isFinite(value));
    return this.#layout.units.find(({ y }) => !finite(y))?.name ?? null;
  }

  dispose(): void {
    this.#kernels.stop(this.#layout.program.address);
  }

  #averaging(): Average {
    const { average } = this.#layout;
    if (average === null) {
      throw new ParamError({ op: 'ema', expected: 'a session opened with ema', got: 'one without' });
    }
    return average;
  }

  /** Places of the averaged state. */
  #average(): ReadonlyMap<string, TensorBlock> {
    this.#averaging();
    const { tensors, blocks } = this.#layout;
    return tensorsAt(tensors, blocks.ema ?? 0, { buffers: true });
  }

  /** Places of the moments. */
  #moments(): ReadonlyMap<string, TensorBlock> {
    const { tensors, blocks } = this.#layout;
    if (this.#family === null) return new Map();
    if (this.#family === 'sgd') return tensorsAt(tensors, blocks.m, { prefix: 'momentum_buffer.' });
    return new Map([
      ...tensorsAt(tensors, blocks.m, { prefix: 'exp_avg.' }),
      ...tensorsAt(tensors, blocks.v, { prefix: 'exp_avg_sq.' }),
    ]);
  }

  #read(tensors: ReadonlyMap<string, TensorBlock>): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of tensors) {
      state.set(name, readTensor(this.#floats, tensor, tensor.block));
      if (!name.endsWith('.running_var')) continue;
      const counter = name.replace('running_var', 'num_batches_tracked');
      state.set(counter, { data: Float64Array.of(this.#batches), shape: [] });
    }
    return inOrder(state, this.#config);
  }

  #run([first, last]: Span): void {
    const { program, scratch } = this.#layout;
    this.#kernels.runProgram(program.address, scratch[0], first, last, this.#mayWait);
  }

  #give(x: FloatArray, targets: FloatArray, lambda: number): void {
    const { in_chans, input_size, num_classes } = this.#config;
    const shape = [this.#batchSize, in_chans, ...input_size];
    if (x.length !== sizeOf(shape)) {
      throw new ShapeError({ op: 'training', expected: `x [${shape.join(',')}]`, got: `${x.length} values` });
    }
    if (targets.length !== this.#batchSize * num_classes) {
      const expected = `targets [${this.#batchSize},${num_classes}]`;
      throw new ShapeError({ op: 'training', expected, got: `${targets.length} values` });
    }
    checkLambda(lambda);
    this.#floats.set(x, this.#layout.images / 4);
    this.#floats.set(targets, this.#layout.targets / 4);
    this.#view.setFloat32(this.#layout.lambda, lambda, true);
  }

  #result(): Pass {
    const [n, classes] = [this.#batchSize, this.#config.num_classes];
    const {
      losses,
      logits: { block },
    } = this.#layout;
    const pitch = pitchOf(n) / 4;
    const logits = new Float32Array(n * classes);
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < classes; c++) {
        logits[i * classes + c] = this.#floats[block / 4 + (c >> 2) * pitch + 4 * i + (c & 3)];
      }
    }
    return { losses: Float64Array.from({ length: n }, (_, i) => this.#view.getFloat64(losses + 8 * i, true)), logits };
  }
}
