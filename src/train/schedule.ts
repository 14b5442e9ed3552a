/** How λ and the learning rate go, from own cosines: the same bits on every engine. */
import { cos } from '../core/elementary.js';
import type { Recipe } from './recipe.js';

const PI = 3.141592653589793;

/** 0 at 0, 1 at 1, along half a cosine. */
const halfCosine = (t: number): number => (1 - cos(PI * t)) / 2;

/**
 * λ before a step: from 0 to 1 over `decayEpochs`, then 1.
 *
 *     linear:  λ = e/D                     cosine:  λ = ½·(1 − cos(π·e/D))
 *
 * @param epoch whole ones done
 * @param share of the epoch that is done, in [0, 1)
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
 * The learning rate of a step: to `lr` along a line over the W steps of the warm-up, the
 * last of which reaches it, then from there to `minLr` along half a cosine.
 *
 *     warmupLr null:  lr·(s + 1)/W        else:  warmupLr + (lr − warmupLr)·s/(W − 1)
 *
 * @param step made before, in all epochs
 * @param perEpoch steps of an epoch
 */
export function learningRateAt(
  step: number,
  perEpoch: number,
  { epochs, lr, minLr, warmupEpochs, warmupLr }: Pick<Recipe, 'epochs' | 'lr' | 'minLr' | 'warmupEpochs' | 'warmupLr'>,
): number {
  const warmup = Math.round(warmupEpochs * perEpoch);
  if (step < warmup) {
    if (warmupLr === null) return (lr * (step + 1)) / warmup;
    // From the end, so that the last step is at lr itself; a warm-up of one step is its beginning, as np.linspace's.
    const left = warmup === 1 ? 1 : (warmup - 1 - step) / (warmup - 1);
    return lr - (lr - warmupLr) * left;
  }
  // Of a run that goes on with fewer images, more steps may be made than it has now.
  const share = Math.min(1, (step - warmup) / (epochs * perEpoch - warmup));
  return minLr + (lr - minLr) * (1 - halfCosine(share));
}
