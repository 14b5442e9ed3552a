import type { ModelConfig } from '../../core/config.js';
import type { StateDict, Tensor } from '../../core/tensor.js';
import type { Build, BuildChoice } from '../build.js';
import { instantiate, TRAINING, type ProgramExports } from '../module.js';
import { canBlock, openTeam, orSingleThread, threadCount, type Threads } from '../team.js';
import { resolveTrainingBuild, threadedTrainingBytesOf, trainingBytesOf } from './build.js';
import { planTraining, type Span, type TrainingLayout, type TrainingPlan } from './layout.js';
import { loadTensors, readTensor, type TensorBlock } from './tensors.js';

export interface MemoryOptions {
  /** Images of every pass: the memory is laid out for them. */
  readonly batchSize: number;
  readonly build?: BuildChoice;
  /** 1 where it is not given. The plain build's numbers do not depend on it. */
  readonly threads?: Threads;
}

/** Linear memory as it is laid out for a network in training, and the module, with its threads, at work there. */
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
    const { batchSize: n, threads: asked = 1 } = options;
    const build = resolveTrainingBuild(options.build ?? 'auto');
    const threads = threadCount(asked);
    const alone = async (): Promise<TrainingMemory> => {
      const layout = planTraining(config, n, { ...options, threads: 1 });
      const kernels = await instantiate(TRAINING, trainingBytesOf(build));
      layout.arena.commit(kernels.memory);
      return new TrainingMemory(config, n, kernels, layout, 1);
    };
    const team = async (): Promise<TrainingMemory> => {
      const layout = planTraining(config, n, { ...options, threads });
      const { arena, program, scratch } = layout;
      const work = { memory: arena.end, program: program.address, scratch };
      const { kernels, ready, size, stop } = await openTeam(
        TRAINING,
        asked,
        await threadedTrainingBytesOf(build),
        work,
      );
      await ready.catch((error: unknown) => {
        stop();
        throw error;
      });
      return new TrainingMemory(config, n, kernels, layout, size());
    };
    return threads === 1 ? alone() : orSingleThread(asked, team, alone);
  }

  run([first, last]: Span): void {
    const { program, scratch } = this.layout;
    this.kernels.runProgram(program.address, scratch[0], first, last, this.#mayWait);
  }

  /** Packs a state's tensors to these places. */
  load(tensors: ReadonlyMap<string, TensorBlock>, state: StateDict): void {
    const { scratch, scratchBytes } = this.layout;
    loadTensors(this.kernels, tensors, state, { block: scratch[0], floats: scratchBytes / 4 });
  }

  /** What lies at these places; copies. */
  read(tensors: ReadonlyMap<string, TensorBlock>): Map<string, Tensor> {
    return new Map([...tensors].map(([name, tensor]) => [name, readTensor(this.floats, tensor, tensor.block)]));
  }

  /** Sends the threads home. */
  stop(): void {
    this.kernels.stop(this.layout.program.address);
  }
}
