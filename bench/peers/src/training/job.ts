/** The job that the parent sends to a training process, and the messages that it answers with. */
import type { ADAM, BATCH_NORM, NETWORK } from './task.js';

export type TrainerName = 'vanillanet' | 'jax-js' | 'pytorch' | 'pytorch-tuned';

/** One measurement, passed as JSON in the first argument. */
export interface TrainingJob {
  readonly trainer: TrainerName;
  /** The folder with the weights and the batch. */
  readonly folder: string;
  readonly network: typeof NETWORK;
  readonly batch: number;
  readonly lambda: number;
  readonly adam: typeof ADAM;
  readonly batchNorm: typeof BATCH_NORM;
  /** Number of untimed first steps whose losses are reported. */
  readonly lossCount: number;
  /** Warm-up ends when both are reached. */
  readonly warmUp: { readonly steps: number; readonly ms: number };
  /** Number of timed steps; with 0 the process ends after the losses. */
  readonly steps: number;
}

export type TrainingMessage =
  | {
      readonly event: 'losses';
      /** Losses of the first steps, each before its update. */
      readonly values: readonly number[];
      /** The build of this package, or the settings of a peer. */
      readonly how?: string;
      /** Version of a trainer that npm does not install. */
      readonly version?: string;
    }
  /** The times of all timed steps and the loss of the last. */
  | { readonly event: 'done'; readonly ms: readonly number[]; readonly loss: number };

/** A network in training, on one thread, with Adam's moments at 0. */
export interface OpenedTrainer {
  /** One step on the job's batch: forward, backward, running statistics, Adam. Returns the loss before the update. */
  readonly step: () => number | Promise<number>;
  readonly how?: string;
}

/** The batch is already in the layout of the trainer; passing it in and reading the loss is timed. */
export type OpenTrainer = (job: TrainingJob) => Promise<OpenedTrainer>;
