/** Arguments of a training run beside the network and the recipe. */
import type { AbortOptions } from '../core/abort.js';
import type { ModelConfig } from '../core/config.js';
import type { StateDict } from '../core/tensor.js';
import type { DataSet } from '../data/sets/dataset.js';
import type { Checkpoint } from './checkpoint.js';
import type { ResumePoint } from './progress.js';
import type { Trainer, TrainerOptions } from './trainer.js';

/** Opens a trainer. Called once, and again with the deploy form if the run fuses its network on the way. */
export type OpenTrainer = (
  config: ModelConfig,
  options: TrainerOptions & { readonly batchSize: number },
) => Trainer | Promise<Trainer>;

export interface TrainingData {
  readonly train: DataSet;
  /** Held-out images, evaluated after every epoch at the current λ; null for none. */
  readonly validation: DataSet | null;
}

export interface RunOptions extends AbortOptions {
  /** Default: `oracleTrainer`, the float64 reference. */
  readonly openTrainer?: OpenTrainer;
  /** Threads that prepare batches; 0 prepares them in the calling thread. Default 0. Results do not depend on it. */
  readonly workers?: number;
  /**
   * Initial weights of the network: the deploy form, too, which is then trained as it is, without λ and batch norms.
   * Default: the train form, drawn from the seed. See `fineTune` for those of another number of classes.
   */
  readonly state?: StateDict;
  /** The checkpoint to resume from. */
  readonly resume?: Checkpoint;
  /**
   * Whether to resume with another number of training images than in the checkpoint. The weights then differ from
   * those of an uninterrupted run. Default false.
   */
  readonly acceptData?: boolean;
  /**
   * Awaited after each batch of held-out images, and, with `error`, before an unreadable image or a lost loader thread
   * ends the run. A checkpoint of the point can be taken meanwhile. An error that it throws ends the run.
   */
  readonly onResumePoint?: (point: ResumePoint) => void | Promise<void>;
}
