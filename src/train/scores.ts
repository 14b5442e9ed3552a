import { exp, log } from '../core/elementary.js';
import type { FloatArray } from '../core/tensor.js';

/** Means over images, whatever the batch sizes. */
export interface Scores {
  /** Cross-entropy in nats. */
  readonly loss: number;
  /** Share of images whose class has the largest logit, in [0, 1]. */
  readonly top1: number;
  /** Share of images whose class has one of the five largest logits, in [0, 1]. */
  readonly top5: number;
}

/** Sums over images, from which scores are computed. Checkpoints store them, to resume within an epoch. */
export interface Tally {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly seen: number;
}

export const EMPTY_TALLY: Tally = { loss: 0, top1: 0, top5: 0, seen: 0 };

/** Number of logits above the target's; ties are ranked in the order of the classes. Infinity if the target's is NaN. */
export function rankOf(logits: ArrayLike<number>, target: number): number {
  const own = logits[target];
  if (Number.isNaN(own)) return Infinity;
  let rank = 0;
  for (let c = 0; c < logits.length; c++) {
    if (logits[c] > own || (c < target && logits[c] === own)) rank++;
  }
  return rank;
}

/**
 * Cross-entropy in nats: −log softmax(logits)[target] = log Σ exp(z − max z) + max z − z[target]. Subtracting the
 * maximum avoids overflow. All runtimes agree on every bit.
 */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  let largest = -Infinity;
  for (let c = 0; c < logits.length; c++) largest = Math.max(largest, logits[c]);
  let sum = 0;
  for (let c = 0; c < logits.length; c++) sum += exp(logits[c] - largest);
  return log(sum) + largest - logits[target];
}

/** Mean cross-entropy of n images. @param logits [n, classes] */
export function meanCrossEntropy(logits: FloatArray, labels: ArrayLike<number>): number {
  const n = labels.length;
  const classes = logits.length / n;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += crossEntropy(logits.subarray(i * classes, (i + 1) * classes), labels[i]);
  return sum / n;
}

/**
 * The tally of one batch.
 *
 * @param loss mean of the n images
 * @param logits [n, classes]
 */
export function tallyBatch(loss: number, logits: FloatArray, labels: ArrayLike<number>): Tally {
  const n = labels.length;
  const classes = logits.length / n;
  let [top1, top5] = [0, 0];
  for (let i = 0; i < n; i++) {
    const rank = rankOf(logits.subarray(i * classes, (i + 1) * classes), labels[i]);
    if (rank < 1) top1++;
    if (rank < 5) top5++;
  }
  return { loss: n * loss, top1, top5, seen: n };
}

export const addTallies = (a: Tally, b: Tally): Tally => ({
  loss: a.loss + b.loss,
  top1: a.top1 + b.top1,
  top5: a.top5 + b.top5,
  seen: a.seen + b.seen,
});

/** Means of a tally; NaN if it is empty. */
export const scoresOf = ({ loss, top1, top5, seen }: Tally): Scores => ({
  loss: loss / seen,
  top1: top1 / seen,
  top5: top5 / seen,
});
