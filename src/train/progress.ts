/** What a training run reports while it runs, and what it returns. */
import type { ModelConfig } from '../core/config.js';
import type { DataError, LoaderError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import type { EpochRecord, StepRecord } from '../report/record.js';
import type { Best, Checkpoint } from './checkpoint.js';

/** A point between two steps from which the run can be resumed. */
export interface ResumePoint {
  /** Steps since the run began. */
  readonly globalStep: number;
  /** See `Progress`. */
  readonly checkpoint: () => Promise<Checkpoint>;
  /** The error that ends the run, if there is one. */
  readonly error?: DataError | LoaderError;
}

/** A state dict with its configuration, which holds the λ and the form of the weights. */
export interface NetworkWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
}

/** Yielded after every step and after every epoch. */
export type Progress = (StepRecord | (EpochRecord & { readonly newBest: NewBest })) & {
  /** Copies all that is needed to resume from here. Call it before the run continues. */
  readonly checkpoint: () => Promise<Checkpoint>;
  /** Copies the current weights. Call it before the run continues. */
  readonly weights: () => Promise<NetworkWeights>;
};

/** The weights of an epoch that is the best so far; absent if it is not. */
export interface NewBest {
  /** Best of all epochs. */
  readonly best?: () => Promise<NetworkWeights>;
  /** Best of the epochs with λ = 1, which can be fused. */
  readonly bestFusable?: () => Promise<NetworkWeights>;
}

export interface TrainingResult extends NetworkWeights {
  readonly best: Best | null;
  readonly bestFusable: Best | null;
}
