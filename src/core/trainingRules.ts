/** Checks that are the same for the trainings of all backends. */
import { checkBoolean, checkInteger, checkNumber, checkOneOf, show } from './check.js';
import type { ModelConfig } from './config.js';
import { ParamError } from './errors.js';
import { frozenTensors } from './freeze.js';
import { checkModelConfig } from './network.js';
import { LOSSES, type Loss } from './optimizer.js';
import { checkState } from './parameters.js';
import { checkResume, type Resume } from './resume.js';
import type { StateDict } from './tensor.js';

export const RUNNING_VARS = ['unbiased', 'biased'] as const;
/**
 * The variance σ² of a batch that updates `running_var`, over m values a channel: σ²·m/(m − 1), as in PyTorch, or σ², as
 * in Paddle.
 */
export type RunningVar = (typeof RUNNING_VARS)[number];

/** The factor of σ² in the update of `running_var`. @param m values of a channel in a batch */
export const varianceCorrection = (runningVar: RunningVar, m: number): number =>
  runningVar === 'biased' ? 1 : m / (m - 1);

/** Options for opening a training. */
export interface OpeningOptions {
  /** Seed of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Default cross-entropy. */
  readonly loss?: Loss;
  /** Whether to maintain an exponential moving average of the state. Default false. */
  readonly ema?: boolean;
  /** Passes per step, over which gradients are averaged. Default 1. */
  readonly gradAccumSteps?: number;
  /** The variance that updates the running statistics. Default 'unbiased', as in PyTorch. */
  readonly runningVar?: RunningVar;
  /**
   * Parts that stay as they are: `backbone`, `stem`, `stages`, `stages.0`, …, `head`, or `bn` for running statistics alone.
   * Default none. See `frozenTensors`.
   */
  readonly freeze?: readonly string[];
  /** Where an interrupted run continues; the state must be the one that the run had. */
  readonly resume?: Resume;
}

export const OPENING_KEYS = [
  'seed',
  'loss',
  'ema',
  'gradAccumSteps',
  'runningVar',
  'freeze',
  'resume',
] as const satisfies readonly (keyof OpeningOptions)[];

/** @param state the initial state, or that of the interrupted run @throws ParamError, WeightsError */
export function checkOpening(state: StateDict, config: ModelConfig, options: OpeningOptions): void {
  const {
    loss = 'cross-entropy',
    ema = false,
    gradAccumSteps = 1,
    runningVar = 'unbiased',
    freeze = [],
    resume,
  } = options;
  checkState(state, config);
  checkBoolean('ema', ema);
  checkLoss(loss);
  checkPasses(gradAccumSteps);
  checkOneOf('runningVar', runningVar, RUNNING_VARS);
  const frozen = frozenTensors(freeze, config);
  if (resume !== undefined) checkResume(resume, config, { ema, frozen });
}

/** @throws ParamError */
export function checkLoss(loss: Loss): void {
  checkOneOf('loss', loss, LOSSES);
}

/** @throws ParamError */
export function checkLambda(lambda: number): void {
  checkNumber('lambda', lambda, { min: 0, max: 1 });
}

/** @throws ParamError */
export function checkPasses(gradAccumSteps: number): void {
  checkInteger('gradAccumSteps', gradAccumSteps, { min: 1 });
}

/** The smallest batch: 2 for the train form, whose last batch norm sees one value per image and channel. */
export const leastImages = ({ form }: ModelConfig): number => (form === 'train' ? 2 : 1);

/** @param n images of a pass @throws ParamError */
export function checkImages(n: number, config: ModelConfig): void {
  const least = leastImages(config);
  if (Number.isSafeInteger(n) && n >= least) return;
  const why = least === 1 ? ' image' : ' images: the head normalizes over them';
  throw new ParamError({ op: 'batchSize', expected: `a batch of at least ${least}${why}`, got: show(n) });
}

/** Checks that a batch can be divided into equal micro-batches. @throws ParamError */
export function checkBatch(batchSize: number, gradAccumSteps: number, config: ModelConfig): void {
  checkModelConfig(config);
  checkPasses(gradAccumSteps);
  if (gradAccumSteps === 1) {
    checkImages(batchSize, config);
    return;
  }
  const least = leastImages(config);
  if (Number.isFinite(batchSize) && batchSize % gradAccumSteps === 0 && batchSize >= least * gradAccumSteps) return;
  const images = least === 1 ? '1 image' : `${least} images`;
  const expected = `a divisor of batchSize, ${show(batchSize)}, that leaves ${images} or more to each micro-batch`;
  throw new ParamError({ op: 'gradAccumSteps', expected, got: show(gradAccumSteps) });
}

/** The number of a pass, from 0; each has its own dropout masks. @param passes of the current step so far */
export const passNumber = (steps: number, gradAccumSteps: number, passes: number): number =>
  steps * gradAccumSteps + (passes % gradAccumSteps);

/** A snapshot does not contain the gradients of an unfinished step. @param passes so far @throws ParamError */
export function checkStepDone(passes: number, gradAccumSteps: number): void {
  if (gradAccumSteps === 1 || passes === 0) return;
  throw new ParamError({
    op: 'snapshot',
    expected: 'a finished step',
    got: `a step of ${passes} passes so far`,
    hint: `Take the snapshot after ${gradAccumSteps} passes and the step of the optimizer.`,
  });
}

/** @param decay of the exponential moving average @throws ParamError */
export function checkDecay(decay: number): void {
  checkNumber('ema', decay, { min: 0, max: 1 });
}
