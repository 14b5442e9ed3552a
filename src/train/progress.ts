/** What a run hands out on its way, and at its end. */
import type { ModelConfig } from '../core/config.js';
import type { DataError, LoaderError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import type { EpochRecord, StepRecord } from '../report/record.js';
import type { Best, Checkpoint } from './checkpoint.js';

/** A run between two steps that has nothing to tell. */
export interface ResumePoint {
  /** Steps made since the run began. */
  readonly globalStep: number;
  /** As that of `Progress`. */
  readonly checkpoint: () => Promise<Checkpoint>;
  /** Why the run cannot go on. */
  readonly error?: DataError | LoaderError;
}

/** The weights of a moment, and the configuration that says what they are. */
export interface Weights {
  readonly state: StateDict;
  readonly config: ModelConfig;
}

/** After every step, and after every epoch. */
export type Progress = (StepRecord | (EpochRecord & { readonly improved: Improved })) & {
  /** All that is needed to go on from here; copied when asked for, which is to be before the run goes on. */
  readonly checkpoint: () => Promise<Checkpoint>;
  /** The network as it stands; copied when asked for, as above. */
  readonly weights: () => Promise<Weights>;
};

/** The weights that an epoch made the best: of all, and of those that can be fused. */
export interface Improved {
  readonly best?: () => Promise<Weights>;
  readonly bestFusable?: () => Promise<Weights>;
}

export interface Trained extends Weights {
  readonly best: Best | null;
  readonly bestFusable: Best | null;
}
