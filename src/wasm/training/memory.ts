import type { ModelConfig } from '../../core/config.js';
import type { StateDict, Tensor } from '../../core/tensor.js';
import type { Build, BuildChoice } from '../build.js';
import { instantiate, TRAINING } from '../module.js';
import { orSingleThread, singleThread, Team, threadCount, type ProgramInstance, type Threads } from '../team.js';
import { resolveTrainingBuild, threadedTrainingBytesOf, trainingBytesOf } from './build.js';
import { planTraining, type Span, type TrainingLayout, type TrainingPlan } from './layout.js';
import { loadTensors, readTensor, type TensorBlock } from './tensors.js';

export interface MemoryOptions {
  /** Images of each pass. */
  readonly batchSize: number;
  readonly build?: BuildChoice;
  /** Default 1. The plain build computes the same bits with any number. */
  readonly threads?: Threads;
}

/** The linear memory of a network in training, with the module and the threads that work in it. */
export class TrainingMemory {
  readonly #instance: ProgramInstance;
  #view: DataView;
  #floats: Float32Array;
  /** Why a pass has not ended: running statistics are lost with it. */
  #failure: Error | null = null;

  private constructor(
    readonly config: ModelConfig,
    /** Images of a pass. */
    readonly n: number,
    instance: ProgramInstance,
    readonly layout: TrainingLayout,
  ) {
    this.#instance = instance;
    const { buffer } = instance.kernels.memory;
    this.#view = new DataView(buffer);
    this.#floats = new Float32Array(buffer);
    layout.write(this.#view);
  }

  /** @throws ShapeError, ParamError, BackendUnavailableError */
  static async open(
    config: ModelConfig,
    options: MemoryOptions & Omit<TrainingPlan, 'threads'>,
  ): Promise<TrainingMemory> {
    const { batchSize: n, threads: choice = 1 } = options;
    const build = resolveTrainingBuild(options.build ?? 'auto');
    const threads = threadCount(choice);
    const alone = async (): Promise<TrainingMemory> => {
      const layout = planTraining(config, n, { ...options, threads: 1 });
      const kernels = await instantiate(TRAINING, trainingBytesOf(build));
      layout.arena.commit(kernels.memory);
      const { program, scratch } = layout;
      return new TrainingMemory(config, n, singleThread(kernels, { program: program.address, scratch }), layout);
    };
    const withTeam = async (): Promise<TrainingMemory> => {
      const layout = planTraining(config, n, { ...options, threads });
      const { arena, program, scratch } = layout;
      const work = { memory: arena.end, program: program.address, scratch };
      const team = await Team.open(TRAINING, choice, await threadedTrainingBytesOf(build), work);
      await team.ready.catch((error: unknown) => {
        team.stop();
        throw error;
      });
      return new TrainingMemory(config, n, team, layout);
    };
    return threads === 1 ? alone() : orSingleThread(choice, withTeam, alone);
  }

  get info(): { readonly build: Build; readonly threads: number; readonly memory: number } {
    const { kernels, threads } = this.#instance;
    return { build: kernels.isRelaxed() ? 'relaxed' : 'plain', threads, memory: kernels.memory.buffer.byteLength };
  }

  /** The whole memory; valid until the next pass. */
  get view(): DataView {
    return this.#view;
  }

  /** The whole memory; valid until the next pass. */
  get floats(): Float32Array {
    return this.#floats;
  }

  /**
   * Runs spans that compute activations, gradients and running statistics from images and parameters. If a thread is lost,
   * all of them are run again, from the running statistics before: nothing else that they read has changed.
   *
   * @throws BackendUnavailableError if a thread is lost and the machine does not have the memory to continue; and from then
   *   on by all methods
   */
  runPass(...spans: readonly Span[]): void {
    this.#check();
    const statistics = this.#statistics().slice();
    try {
      while (!spans.every(([first, last]) => this.#instance.run(first, last) === last)) {
        this.#followInstance();
        this.#statistics().set(statistics);
      }
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
    this.#followInstance();
  }

  /**
   * Runs a span that updates parameters or averages in place. The calling thread does it alone: if another one were lost in
   * the middle of it, some values would be updated and some not. Memory limits its speed more than arithmetic.
   */
  runAlone([first, last]: Span): void {
    this.#check();
    const { program, scratch } = this.layout;
    for (const { address, panels } of program.regions(first, last)) {
      this.#instance.kernels.runRegion(address, scratch[0], 0, panels);
    }
  }

  /** Packs the tensors of a state into these blocks. */
  load(tensors: ReadonlyMap<string, TensorBlock>, state: StateDict): void {
    const { scratch, scratchBytes } = this.layout;
    loadTensors(this.#instance.kernels, tensors, state, { block: scratch[0], floats: scratchBytes / 4 });
  }

  /** Reads tensors from these blocks, as copies. */
  read(tensors: ReadonlyMap<string, TensorBlock>): Map<string, Tensor> {
    this.#check();
    return new Map([...tensors].map(([name, tensor]) => [name, readTensor(this.#floats, tensor, tensor.block)]));
  }

  /** Stops the threads. */
  stop(): void {
    this.#instance.stop();
  }

  /** @throws the error of a pass that has not ended */
  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** The running statistics, in one block after all parameters. */
  #statistics(): Float32Array {
    const { state, statistics, floats } = this.layout.blocks;
    return this.#floats.subarray(state / 4 + statistics, state / 4 + floats);
  }

  /** Takes the memory of the instance, which may be another after a run. */
  #followInstance(): void {
    const { buffer } = this.#instance.kernels.memory;
    if (buffer === this.#view.buffer) return;
    this.#view = new DataView(buffer);
    this.#floats = new Float32Array(buffer);
  }
}
