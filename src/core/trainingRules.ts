/** What every training holds its callers to, whatever computes it. */
import { ParamError } from './errors.js';
import type { Loss, OptimiserKind } from './optimiser.js';

/** Whose moments there are: Adam's, which AdamW and LAMB share, or SGD's. */
export type Family = 'adam' | 'sgd';

/** Whose the moments of an optimiser are. @param names of its tensors */
export const familyOf = (names: Iterable<string>): Family =>
  [...names].some((name) => name.startsWith('momentum_buffer.')) ? 'sgd' : 'adam';

/** The family of a step. @param before that of the moments there are; null for none @throws ParamError for another */
export function familyAfter(kind: OptimiserKind, before: Family | null): Family {
  const family = kind === 'sgd' ? 'sgd' : 'adam';
  if (before === null || before === family) return family;
  const expected = before === 'sgd' ? 'sgd, as before' : 'adam, adamw or lamb, as before';
  throw new ParamError({ op: 'optimiser', expected, got: kind });
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
