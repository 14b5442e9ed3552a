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

/** Of an average. @throws ParamError */
export function checkDecay(decay: number): void {
  if (decay >= 0 && decay <= 1) return;
  throw new ParamError({ op: 'ema', expected: 'a decay in [0, 1]', got: String(decay) });
}
