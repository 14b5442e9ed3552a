/** Schedules of λ and the learning rate. */
import { halfCosine, scheduledLambda } from '../core/lambdaSchedule.js';
import type { Recipe } from './recipe.js';

/**
 * λ of a step: `scheduledLambda` of the epochs that are done.
 *
 * @param epoch complete epochs done
 * @param share share of the current epoch that is done, in [0, 1); counted only if `lambdaPer` is 'step'
 */
export function lambdaAt(
  epoch: number,
  share: number,
  { decayEpochs, lambdaSchedule, lambdaPer }: Pick<Recipe, 'decayEpochs' | 'lambdaSchedule' | 'lambdaPer'>,
): number {
  return scheduledLambda(lambdaPer === 'step' ? epoch + share : epoch, decayEpochs, lambdaSchedule);
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
