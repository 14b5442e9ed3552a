/** What makes the steps of a training run, whatever computes them. */
import type { ModelConfig } from '../core/config.js';
import type { OptimizerStep } from '../core/optimizer.js';
import type { Resume } from '../core/resume.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import type { OpeningOptions } from '../core/trainingRules.js';
import { initialState } from './initialState.js';

/** How a step is to be made. */
export interface StepOptions {
  /** Slope of the deep-training activations, in [0, 1]. */
  readonly lambda: number;
  readonly optimizer: OptimizerStep;
  /** Decay of the averaged state, for trainers opened with `ema`; without one the average does not move. */
  readonly emaDecay?: number;
}

export interface EvaluateOptions {
  readonly lambda: number;
  /** Evaluate the averaged state instead. */
  readonly useEma?: boolean;
}

export interface Outcome {
  /** In nats, averaged over the images. */
  readonly loss: number;
  /** [n, num_classes] */
  readonly logits: FloatArray;
}

/** All that a run needs to go on as if it had not been interrupted; copies. */
export interface Snapshot extends Resume {
  /** Parameters and running statistics. */
  readonly state: StateDict;
}

export interface TrainerOptions extends OpeningOptions {
  readonly seed: number;
  /**
   * Micro-batches that each batch is passed in, one after the other; gradients are averaged over
   * them. They divide the batch. Default 1.
   */
  readonly gradAccumSteps?: number;
  /** Initial weights; drawn from the seed where they are not given. */
  readonly state?: StateDict;
  /** Where to go on from; its state is the initial one. */
  readonly resume?: Snapshot;
}

/** Now, or when the device has been read. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * A network in training. Images are [n,in_chans,h,w], normalized; targets
 * [n,num_classes], the share of each class in each image. One call at a time.
 */
export interface Trainer {
  /** Images that `evaluate` takes at most. */
  readonly evaluationBatch: number;
  /**
   * Forward, backward, optimizer, average: of a whole batch. Loss and logits are those before
   * the step. Where a micro-batch's loss is no number, the step ends there, and nothing is moved.
   */
  step(x: FloatArray, targets: FloatArray, options: StepOptions): MaybePromise<Outcome>;
  evaluate(x: FloatArray, targets: FloatArray, options: EvaluateOptions): MaybePromise<Outcome>;
  /** The network as it stands; a copy. */
  state(): MaybePromise<StateDict>;
  /** The averaged state; a copy. @throws ParamError where none is kept */
  ema(): MaybePromise<StateDict>;
  snapshot(): MaybePromise<Snapshot>;
  /**
   * The first layer whose output, in the last step or evaluation, has a value that is no number; null where none
   * has, or where it is not known: TensorFlow.js looks at steps only.
   */
  firstNonFinite(): string | null;
  dispose(): void;
}

/** What a training begins with. */
export const firstState = (config: ModelConfig, { seed, state, resume }: TrainerOptions): StateDict =>
  resume?.state ?? state ?? initialState(config, seed);
