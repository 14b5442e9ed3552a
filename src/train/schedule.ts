/** Schedules of λ and the learning rate. Cosines are computed by src/core, so that all runtimes agree on every bit. */
import { cos } from '../core/elementary.js';
import type { Recipe } from './recipe.js';

const PI = 3.141592653589793;

/** ½·(1 − cos(πt)): rises from 0 at t = 0 to 1 at t = 1. */
const halfCosine = (t: number): number => (1 - cos(PI * t)) / 2;

/**
 * λ of a step: rises from 0 to 1 over D = `decayEpochs` epochs, then stays 1. With e epochs done:
 *
 *     linear:  λ = e/D                     cosine:  λ = ½·(1 − cos(π·e/D))
 *
 * @param epoch complete epochs done
 * @param share share of the current epoch that is done, in [0, 1); counted only if `lambdaPer` is 'step'
 */
export function lambdaAt(
  epoch: number,
  share: number,
  { decayEpochs, lambdaSchedule, lambdaPer }: Pick<Recipe, 'decayEpochs' | 'lambdaSchedule' | 'lambdaPer'>,
): number {
  const e = lambdaPer === 'step' ? epoch + share : epoch;
  if (e >= decayEpochs) return 1;
  return lambdaSchedule === 'linear' ? e / decayEpochs : halfCosine(e / decayEpochs);
}

/**
 * Learning rate of a step s (from 0): rises linearly to `lr` over the W steps of the warm-up, the last of which reaches
 * it, then falls to `minLr` along half a cosine.
 *
 *     warmupLr null:  lr·(s + 1)/W        else:  warmupLr + (lr − warmupLr)·s/(W − 1)
 *
 * @param step steps done before, in all epochs
 * @param perEpoch steps in an epoch
 */
export function learningRateAt(
  step: number,
  perEpoch: number,
  { epochs, lr, minLr, warmupEpochs, warmupLr }: Pick<Recipe, 'epochs' | 'lr' | 'minLr' | 'warmupEpochs' | 'warmupLr'>,
): number {
  const warmup = Math.round(warmupEpochs * perEpoch);
  if (step < warmup) {
    if (warmupLr === null) return (lr * (step + 1)) / warmup;
    // Computed from the end, so that the last step has exactly lr. A single step has warmupLr, as in np.linspace.
    const remaining = warmup === 1 ? 1 : (warmup - 1 - step) / (warmup - 1);
    return lr - (lr - warmupLr) * remaining;
  }
  // A run that was resumed with fewer images may have done more steps than its schedule has now.
  const share = Math.min(1, (step - warmup) / (epochs * perEpoch - warmup));
  return minLr + (lr - minLr) * (1 - halfCosine(share));
}
