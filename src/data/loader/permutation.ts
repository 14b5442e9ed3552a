import { uniform } from '../../core/philox.js';

/** First random stream of shuffles: above the streams of initial weights, below those of dropout. */
const SHUFFLE_STREAM = 2 ** 30;

/**
 * The order of an epoch's n images: a Fisher-Yates shuffle that depends only on seed and epoch.
 *
 * @param seed an integer in [0, 2^32)
 * @param epoch from 0, below 2^30
 */
export function permutation(n: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, SHUFFLE_STREAM + epoch, i) * (i + 1));
    const swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  return order;
}
