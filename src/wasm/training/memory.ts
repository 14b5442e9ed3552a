import type { ModelConfig } from '../../core/config.js';
import type { StateDict, Tensor } from '../../core/tensor.js';
import type { Build, BuildChoice } from '../build.js';
import { instantiate, TRAINING, type ProgramExports } from '../module.js';
import { canBlock, openTeam, orSingleThread, threadCount, type Threads } from '../team.js';
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
  readonly info: { readonly build: Build; readonly threads: number; readonly memory: number };
  readonly view: DataView;
  readonly floats: Float32Array;
  readonly #mayWait = canBlock();

  private constructor(
    readonly config: ModelConfig,
    /** Images of a pass. */
    readonly n: number,
    private readonly kernels: ProgramExports,
    readonly layout: TrainingLayout,
    threads: number,
  ) {
    const { buffer } = kernels.memory;
    this.info = { build: kernels.isRelaxed() ? 'relaxed' : 'plain', threads, memory: buffer.byteLength };
    this.view = new DataView(buffer);
    this.floats = new Float32Array(buffer);
    layout.write(this.view);
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
      return new TrainingMemory(config, n, kernels, layout, 1);
    };
    const withTeam = async (): Promise<TrainingMemory> => {
      const layout = planTraining(config, n, { ...options, threads });
      const { arena, program, scratch } = layout;
      const work = { memory: arena.end, program: program.address, scratch };
      const { kernels, ready, size, stop } = await openTeam(
        TRAINING,
        choice,
        await threadedTrainingBytesOf(build),
        work,
      );
      await ready.catch((error: unknown) => {
        stop();
        throw error;
      });
      return new TrainingMemory(config, n, kernels, layout, size());
    };
    return threads === 1 ? alone() : orSingleThread(choice, withTeam, alone);
  }

  run([first, last]: Span): void {
    const { program, scratch } = this.layout;
    this.kernels.runProgram(program.address, scratch[0], first, last, this.#mayWait);
  }

  /** Packs the tensors of a state into these blocks. */
  load(tensors: ReadonlyMap<string, TensorBlock>, state: StateDict): void {
    const { scratch, scratchBytes } = this.layout;
    loadTensors(this.kernels, tensors, state, { block: scratch[0], floats: scratchBytes / 4 });
  }

  /** Reads tensors from these blocks, as copies. */
  read(tensors: ReadonlyMap<string, TensorBlock>): Map<string, Tensor> {
    return new Map([...tensors].map(([name, tensor]) => [name, readTensor(this.floats, tensor, tensor.block)]));
  }

  /** Stops the threads. */
  stop(): void {
    this.kernels.stop(this.layout.program.address);
  }
}
