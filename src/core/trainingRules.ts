/** What every training holds its callers to, whatever computes it. */
import type { ModelConfig } from './config.js';
import { ParamError } from './errors.js';
import type { Loss } from './optimizer.js';
import { checkState } from './parameters.js';
import { checkResume, type Resume } from './resume.js';
import type { StateDict } from './tensor.js';

/** What a training is opened with, whatever computes it. */
export interface OpeningOptions {
  /** Of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Default cross-entropy. */
  readonly loss?: Loss;
  /** Whether an average of the state is kept. Default false. */
  readonly ema?: boolean;
  /** Passes a step, over which gradients are averaged. Default 1. */
  readonly gradAccumSteps?: number;
  /** Where a run that was interrupted goes on from; `state` is the one it had. */
  readonly resume?: Resume;
}

/** @param state what it begins with, or goes on with @throws ParamError, WeightsError */
export function checkOpening(state: StateDict, config: ModelConfig, options: OpeningOptions): void {
  const { loss = 'cross-entropy', ema = false, gradAccumSteps = 1, resume } = options;
  checkState(state, config);
  checkLoss(loss);
  checkPasses(gradAccumSteps);
  if (resume !== undefined) checkResume(resume, config, { ema });
}

/** A caller without types may give anything. @throws ParamError */
export function checkLoss(loss: Loss): void {
  const given: string = loss;
  if (given === 'cross-entropy' || given === 'bce') return;
  throw new ParamError({ op: 'loss', expected: 'cross-entropy or bce', got: given });
}

/** @throws ParamError */
export function checkLambda(lambda: number): void {
  if (lambda >= 0 && lambda <= 1) return;
  throw new ParamError({ op: 'lambda', expected: 'a number in [0, 1]', got: String(lambda) });
}

/** Passes that make up a step. @throws ParamError */
export function checkPasses(gradAccumSteps: number): void {
  if (Number.isSafeInteger(gradAccumSteps) && gradAccumSteps >= 1) return;
  throw new ParamError({ op: 'gradAccumSteps', expected: 'an integer >= 1', got: String(gradAccumSteps) });
}

/** Images of a pass at least: the head of the train form normalizes over them. */
export const leastImages = ({ form }: ModelConfig): number => (form === 'train' ? 2 : 1);

/** @param n images of a pass @throws ParamError */
export function checkImages(n: number, config: ModelConfig): void {
  const least = leastImages(config);
  if (Number.isSafeInteger(n) && n >= least) return;
  const why = least === 1 ? ' image' : ' images: the head normalizes over them';
  throw new ParamError({ op: 'batchSize', expected: `a batch of at least ${least}${why}`, got: String(n) });
}

/** Of a batch that is passed in so many equal parts. @throws ParamError */
export function checkBatch(batchSize: number, gradAccumSteps: number, config: ModelConfig): void {
  checkPasses(gradAccumSteps);
  if (gradAccumSteps === 1) {
    checkImages(batchSize, config);
    return;
  }
  const least = leastImages(config);
  if (batchSize % gradAccumSteps === 0 && batchSize >= least * gradAccumSteps) return;
  const images = least === 1 ? '1 image' : `${least} images`;
  const expected = `a divisor of batchSize, ${batchSize}, that leaves ${images} or more to each micro-batch`;
  throw new ParamError({ op: 'gradAccumSteps', expected, got: String(gradAccumSteps) });
}

/** The number of a pass, from 0: every one has dropout masks of its own. @param passes of the step so far */
export const passNumber = (steps: number, gradAccumSteps: number, passes: number): number =>
  steps * gradAccumSteps + (passes % gradAccumSteps);

/** Gradients of half a step are not kept. @param passes of it so far @throws ParamError */
export function checkStepDone(passes: number, gradAccumSteps: number): void {
  if (gradAccumSteps === 1 || passes === 0) return;
  throw new ParamError({ op: 'snapshot', expected: 'a step that is made', got: `one of ${passes} passes so far` });
}

/** Of an average. @throws ParamError */
export function checkDecay(decay: number): void {
  if (decay >= 0 && decay <= 1) return;
  throw new ParamError({ op: 'ema', expected: 'a decay in [0, 1]', got: String(decay) });
}
