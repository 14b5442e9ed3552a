/** What the parent asks of a process that trains, and what that answers. */
import type { ADAM, BATCH_NORM, NETWORK } from './task.js';

export type TrainerName = 'vanillanet' | 'jax-js' | 'pytorch' | 'pytorch-tuned';

/** One measurement, passed as JSON in the first argument. */
export interface TrainingJob {
  readonly trainer: TrainerName;
  /** The folder of weights and batch. */
  readonly folder: string;
  readonly network: typeof NETWORK;
  readonly batch: number;
  readonly lambda: number;
  readonly adam: typeof ADAM;
  readonly batchNorm: typeof BATCH_NORM;
  /** Steps whose losses are told, before anything is timed. */
  readonly told: number;
  /** Warm-up ends when both are reached. */
  readonly warmUp: { readonly steps: number; readonly ms: number };
  /** Timed steps; with 0 the process ends after the losses. */
  readonly steps: number;
}

export type TrainingMessage =
  | {
      readonly event: 'losses';
      /** Of the first steps, each before its step. */
      readonly values: readonly number[];
      /** Which build of ours, or how a peer was set up. */
      readonly how?: string;
      /** For what npm does not know. */
      readonly version?: string;
    }
  /** The times of all timed steps and the loss of the last. */
  | { readonly event: 'done'; readonly ms: readonly number[]; readonly loss: number };

/** A network in training, on one thread, with Adam's moments at 0. */
export interface OpenedTrainer {
  /** Forward, backward, running statistics and Adam, of the job's batch; the loss before the step. */
  readonly step: () => number | Promise<number>;
  readonly how?: string;
}

/** The batch is ready in the trainer's own layout; handing it over and taking the loss out is timed. */
export type OpenTrainer = (job: TrainingJob) => Promise<OpenedTrainer>;
