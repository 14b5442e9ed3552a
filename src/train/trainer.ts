/** The interface of the backends that compute training steps. */
import { checkBoolean, checkOptions, isInteger, show, tagOf } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError, ShapeError } from '../core/errors.js';
import { resolveStep, type OptimizerStep } from '../core/optimizer.js';
import type { Resume } from '../core/resume.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { checkDecay, checkLambda, type OpeningOptions } from '../core/trainingRules.js';
import { initialState, type Truncation } from './initialState.js';

/** Options of one step. */
export interface StepOptions {
  /** Negative slope λ of the leaky ReLUs that training fades into the identity, in [0, 1]. */
  readonly lambda: number;
  readonly optimizer: OptimizerStep;
  /** Decay of the averaged state, for trainers opened with `ema`. Default: the average is not updated. */
  readonly emaDecay?: number;
}

export interface EvaluateOptions {
  readonly lambda: number;
  /** Whether to evaluate the averaged state. Default false. */
  readonly useEma?: boolean;
}

export interface Outcome {
  /** Mean over the images, in nats. */
  readonly loss: number;
  /** Shape [n, num_classes]. */
  readonly logits: FloatArray;
}

/** Copies of everything that a run needs to resume with the same bits. */
export interface Snapshot extends Resume {
  /** Parameters and running statistics. */
  readonly state: StateDict;
}

export interface TrainerOptions extends OpeningOptions {
  readonly seed: number;
  /**
   * Micro-batches that each batch is divided into, a divisor of the batch size; gradients are averaged over them.
   * Default 1.
   */
  readonly gradAccumSteps?: number;
  /** Bounds of the distribution that initial weights are drawn from. Default 'absolute'. */
  readonly initTruncation?: Truncation;
  /** Initial weights. Default: drawn from the seed. */
  readonly state?: StateDict;
  /** The snapshot to resume from; takes precedence over `state`. */
  readonly resume?: Snapshot;
}

/** The options of all trainers. */
export const TRAINER_KEYS = [
  ...['batchSize', 'seed', 'loss', 'ema', 'gradAccumSteps', 'runningVar', 'freeze', 'initTruncation', 'state'],
  'resume',
];

/** A promise for backends that read results from a device. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * A network in training. Images x have shape [n, in_chans, h, w] and are normalized; targets have shape
 * [n, num_classes] and are the probability of each class. Wait for each call to end before the next.
 */
export interface Trainer {
  /** Maximum number of images for `evaluate`. */
  readonly evaluationBatch: number;
  /**
   * Computes one step for a batch: forward, backward, optimizer, average. Returns loss and logits before the step. If
   * the loss of a micro-batch is not finite, the step ends there and the weights do not change.
   */
  step(x: FloatArray, targets: FloatArray, options: StepOptions): MaybePromise<Outcome>;
  /** Computes loss and logits with the running statistics. */
  evaluate(x: FloatArray, targets: FloatArray, options: EvaluateOptions): MaybePromise<Outcome>;
  /** A copy of the current weights. */
  state(): MaybePromise<StateDict>;
  /** A copy of the averaged state. @throws ParamError for a trainer without `ema` */
  ema(): MaybePromise<StateDict>;
  /** A copy of everything that is needed to resume. */
  snapshot(): MaybePromise<Snapshot>;
  /**
   * The first layer whose output has a value that is not finite, in the last step or evaluation; null if there is none
   * or if it is not known (TensorFlow.js only checks steps).
   */
  firstNonFinite(): string | null;
  dispose(): void;
}

/** The weights that a training starts from. */
export const firstState = (config: ModelConfig, { seed, initTruncation, state, resume }: TrainerOptions): StateDict =>
  resume?.state ?? state ?? initialState(config, seed, initTruncation);

const isFloats = (value: unknown): boolean =>
  ArrayBuffer.isView(value) && ['Float32Array', 'Float64Array'].includes(tagOf(value));

/**
 * Checks the images of a caller without types.
 *
 * @returns their number
 * @throws ParamError; ShapeError unless x is the input of as many images as there are targets
 */
function checkBatchOf({ in_chans, num_classes, input_size }: ModelConfig, x: FloatArray, targets: FloatArray): number {
  for (const [name, values] of Object.entries({ x, targets })) {
    if (isFloats(values)) continue;
    throw new ParamError({ op: name, expected: 'a Float32Array or Float64Array', got: show(values) });
  }
  const images = targets.length / num_classes;
  const expected = images * in_chans * input_size[0] * input_size[1];
  if (x.length === expected) return images;
  throw new ShapeError({ op: 'x', expected: `${expected} values, for ${images} images`, got: `${x.length}` });
}

/**
 * Checks the arguments of `step`, before anything is computed.
 *
 * @throws ParamError; ShapeError unless x is the input of as many images as there are targets
 */
export function checkStepArguments(
  config: ModelConfig,
  x: FloatArray,
  targets: FloatArray,
  options: StepOptions,
): void {
  const { lambda, optimizer, emaDecay } = checkOptions(options, ['lambda', 'optimizer', 'emaDecay']);
  checkBatchOf(config, x, targets);
  checkLambda(lambda);
  resolveStep(optimizer);
  if (emaDecay !== undefined) checkDecay(emaDecay);
}

/**
 * Checks the arguments of `evaluate`, before anything is computed.
 *
 * @param most images that the trainer takes
 * @throws ParamError; ShapeError unless x is the input of as many images as there are targets
 */
export function checkEvaluateArguments(
  config: ModelConfig,
  x: FloatArray,
  targets: FloatArray,
  options: EvaluateOptions,
  most = Infinity,
): void {
  const { lambda, useEma = false } = checkOptions(options, ['lambda', 'useEma']);
  const images = checkBatchOf(config, x, targets);
  checkLambda(lambda);
  checkBoolean('useEma', useEma);
  const isAllowed: boolean = isInteger(images, { min: 1, max: most });
  if (isAllowed) return;
  const bound = most === Infinity ? 'one image or more' : `1 to ${most} images (evaluationBatch)`;
  throw new ShapeError({ op: 'evaluate', expected: bound, got: `${images}` });
}
