import { uniform } from '../../core/philox.js';

/** Shuffles are drawn from streams of their own, past those of the parameters and below those of dropout. */
const SHUFFLE_STREAM = 2 ** 30;

/**
 * The order of an epoch's n images: Fisher-Yates from the run's seed and the epoch alone.
 *
 * @param seed an integer in [0, 2^32)
 * @param epoch from 0, below 2^30
 */
export function permutation(n: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, SHUFFLE_STREAM + epoch, i) * (i + 1));
    const there = order[i];
    order[i] = order[j];
    order[j] = there;
  }
  return order;
}
