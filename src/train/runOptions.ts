/** What a run is given beside network and recipe. */
import type { ModelConfig } from '../core/config.js';
import type { DataSet } from '../data/sets/dataset.js';
import type { Checkpoint } from './checkpoint.js';
import type { ResumePoint } from './progress.js';
import type { Trainer, TrainerOptions } from './trainer.js';

/** Opens what makes the steps, for the network as it is then: a run that fuses on the way opens a second. */
export type OpenTrainer = (
  config: ModelConfig,
  options: TrainerOptions & { readonly batchSize: number },
) => Trainer | Promise<Trainer>;

export interface TrainingData {
  readonly train: DataSet;
  /** Evaluated after every epoch, at the λ reached; null for none. */
  readonly validation: DataSet | null;
}

export interface RunOptions {
  /** The float64 oracle where it is not given. */
  readonly openTrainer?: OpenTrainer;
  /** Threads that make batches beside the one that trains; 0 for none. Default 0. The numbers do not depend on it. */
  readonly workers?: number;
  /** Where to go on from. */
  readonly resume?: Checkpoint;
  /** Whether to go on though other images were trained on before: then not to the same bits. Default false. */
  readonly acceptData?: boolean;
  /**
   * Called after each batch of held-out images, and where images cannot be had, before that is thrown. The run
   * stands still meanwhile, and can be gone on with from there; what this throws ends it, `error` or not.
   */
  readonly between?: (moment: ResumePoint) => void | Promise<void>;
}
