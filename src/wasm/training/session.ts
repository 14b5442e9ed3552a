import type { ModelConfig } from '../../core/config.js';
import { ParamError, ShapeError, WeightsError } from '../../core/errors.js';
import { resolveStep, type Loss, type OptimiserStep } from '../../core/optimiser.js';
import { checkState } from '../../core/parameters.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../../core/tensor.js';
import { buildOf, type Build, type BuildChoice } from '../build.js';
import { compile, instantiate, sharedMemory, type Kernels } from '../module.js';
import { mayWait, startTeam, threadCount, type Threads } from '../team.js';
import { threadedTrainingBytesOf, trainingBytesOf } from './build.js';
import { planTraining, type Span, type TrainingLayout } from './layout.js';
import { pitchOf } from './planes.js';
import { loadTensors, readTensor } from './tensors.js';

/** What of `Kernels` the training module has. */
type TrainingKernels = Pick<Kernels, 'memory' | 'heapBase' | 'packLanes' | 'runProgram' | 'stop' | 'isRelaxed'>;

export interface TrainingOptions {
  /** Images of every batch: the memory is laid out for them. */
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
  readonly #kernels: TrainingKernels;
  readonly #layout: TrainingLayout;
  readonly #view: DataView;
  readonly #floats: Float32Array;
  readonly #mayWait: boolean;
  /** Batches that the norms have seen, and steps that were made. */
  #batches = 0;
  #steps = 0;

  private constructor(
    config: ModelConfig,
    { batchSize, seed = 0 }: TrainingOptions,
    kernels: TrainingKernels,
    layout: TrainingLayout,
  ) {
    const { buffer } = kernels.memory;
    this.info = {
      build: kernels.isRelaxed() ? 'relaxed' : 'plain',
      threads: layout.scratch.length,
      memory: buffer.byteLength,
    };
    this.#config = config;
    this.#batchSize = batchSize;
    this.#seed = seed;
    this.#kernels = kernels;
    this.#layout = layout;
    this.#view = new DataView(buffer);
    this.#floats = new Float32Array(buffer);
    this.#mayWait = mayWait();
  }

  /**
   * @param state the train form, whose counters `num_batches_tracked` go on from where they are
   * @throws WeightsError, ShapeError, ParamError, BackendUnavailableError
   */
  static async open(state: StateDict, config: ModelConfig, options: TrainingOptions): Promise<TrainingSession> {
    if (config.form !== 'train') {
      throw new WeightsError({ op: 'training', expected: 'the train form', got: `the ${config.form} form` });
    }
    checkState(state, config);
    const build = buildOf(options.build ?? 'auto');
    const threads = threadCount(options.threads ?? 1);
    const layout = planTraining(config, options.batchSize, threads);
    let kernels: TrainingKernels;
    if (threads === 1) {
      kernels = await instantiate(trainingBytesOf(build));
      layout.arena.commit(kernels.memory);
    } else {
      const module = await compile(await threadedTrainingBytesOf(build));
      const memory = sharedMemory(layout.arena.end);
      kernels = await instantiate(module, memory);
      try {
        startTeam(module, memory, layout.program.address, layout.scratch);
      } catch (error) {
        // Those that did start would wait for ever.
        kernels.stop(layout.program.address);
        throw error;
      }
    }
    const session = new TrainingSession(config, options, kernels, layout);
    layout.write(session.#view);
    loadTensors(kernels, layout.tensors, state, { block: layout.scratch[0], floats: layout.scratchBytes / 4 });
    const counter = [...state].find(([name]) => name.endsWith('.num_batches_tracked'));
    session.#batches = counter?.[1].data[0] ?? 0;
    return session;
  }

  /**
   * One pass in training mode: logits, loss, gradients, running statistics.
   *
   * @param x [n,in_chans,h,w], normalised
   * @param targets [n,num_classes]: the share of each class in each image
   * @param lambda slope of the deep-training activations, in [0, 1]
   * @throws ShapeError, ParamError
   */
  pass(x: FloatArray, targets: FloatArray, lambda: number): Pass {
    this.#give(x, targets, lambda);
    const { dropout } = this.#layout;
    dropout.set(this.#view, { seed: this.#seed, stream: 2 ** 31 + this.#steps });
    this.#run(this.#layout.forward);
    this.#run(this.#layout.backward);
    this.#batches++;
    return this.#result();
  }

  /** Moves every parameter along the gradients of the last pass. @throws ParamError */
  optimise(step: OptimiserStep): void {
    const { kind, lr, weightDecay, decayVectors, eps, ...rest } = resolveStep(step);
    const [beta1, beta2] = rest.betas;
    this.#steps++;
    const [correction1, correction2] = [1 - beta1 ** this.#steps, 1 - beta2 ** this.#steps];
    for (const { descriptor, weights } of this.#layout.adam) {
      descriptor.set(this.#view, {
        lr,
        beta1,
        beta2,
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        eps,
        weightDecay: weights || decayVectors ? weightDecay : 0,
        correction1,
        correction2,
        decoupled: kind === 'adamw' ? 1 : 0,
      });
    }
    this.#run(this.#layout.optimise);
  }

  /**
   * Moves the averaged state towards the state: e ← decay·e + (1 − decay)·p, running
   * statistics and all.
   *
   * @throws ParamError
   */
  ema(decay: number): void {
    throw new ParamError({ op: 'ema', expected: 'a session opened with ema', got: String(decay) });
  }

  /** The averaged state; a copy. @throws ParamError where the session was not opened with `ema` */
  emaState(): Map<string, Tensor> {
    throw new ParamError({ op: 'ema', expected: 'a session opened with ema', got: 'another' });
  }

  /** Moments under PyTorch's names: `exp_avg.<param>`, `exp_avg_sq.<param>`, or `momentum_buffer.<param>`. */
  optimiserState(): Map<string, Tensor> {
    return new Map();
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Batches that the norms have seen. */
  get batches(): number {
    return this.#batches;
  }

  /** Everything that `open` needs for a run to go on to the same bits. */
  snapshot(): Resume & { readonly state: StateDict } {
    return { state: this.state(), optimiser: this.optimiserState(), steps: this.#steps };
  }

  /** Logits and loss in eval mode: normalised by the running statistics; nothing else changes. */
  evaluate(x: FloatArray, targets: FloatArray, lambda: number, { useEma = false } = {}): Pass {
    if (useEma) throw new ParamError({ op: 'ema', expected: 'a session opened with ema', got: 'another' });
    this.#give(x, targets, lambda);
    this.#run(this.#layout.evaluate);
    return this.#result();
  }

  /** Parameters and running statistics, as they stand. */
  state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of this.#layout.tensors) {
      state.set(name, readTensor(this.#floats, tensor, tensor.block));
      if (!name.endsWith('.running_var')) continue;
      const counter = name.replace('running_var', 'num_batches_tracked');
      state.set(counter, { data: Float64Array.of(this.#batches), shape: [] });
    }
    return state;
  }

  /** Gradients of the last pass, under the parameters' names. */
  gradients(): Map<string, Tensor> {
    return new Map(
      [...this.#layout.tensors].flatMap(([name, tensor]) =>
        tensor.grad === null ? [] : [[name, readTensor(this.#floats, tensor, tensor.grad)] as const],
      ),
    );
  }

  dispose(): void {
    this.#kernels.stop(this.#layout.program.address);
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
    if (!(lambda >= 0 && lambda <= 1)) {
      throw new ParamError({ op: 'lambda', expected: 'a number in [0, 1]', got: String(lambda) });
    }
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
