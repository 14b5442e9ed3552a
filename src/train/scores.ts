import { exp, log } from '../core/elementary.js';
import type { FloatArray } from '../core/tensor.js';

/** Weighted by samples: a mean over images, whatever the batches were. */
export interface Scores {
  /** In nats. */
  readonly loss: number;
  /** Share of images whose class has the largest logit, and one of the five largest. */
  readonly top1: number;
  readonly top5: number;
}

/** Sums from which scores are made; a checkpoint keeps them, so that an epoch can be gone on with. */
export interface Tally {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly seen: number;
}

export const EMPTY_TALLY: Tally = { loss: 0, top1: 0, top5: 0, seen: 0 };

/** Logits that come before the target's, ties in the order of the classes; Infinity where it is NaN. */
export function rankOf(logits: ArrayLike<number>, target: number): number {
  const own = logits[target];
  if (Number.isNaN(own)) return Infinity;
  let before = 0;
  for (let c = 0; c < logits.length; c++) {
    if (logits[c] > own || (c < target && logits[c] === own)) before++;
  }
  return before;
}

/**
 * −log softmax of the target, by the largest logit, so that nothing overflows: the plain cross-entropy in nats, by
 * which networks are judged whatever they were trained on. The same bits on every engine.
 */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  let largest = -Infinity;
  for (let c = 0; c < logits.length; c++) largest = Math.max(largest, logits[c]);
  let sum = 0;
  for (let c = 0; c < logits.length; c++) sum += exp(logits[c] - largest);
  return log(sum) + largest - logits[target];
}

/** Of n images, averaged. @param logits [n, classes] */
export function meanCrossEntropy(logits: FloatArray, labels: ArrayLike<number>): number {
  const n = labels.length;
  const classes = logits.length / n;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += crossEntropy(logits.subarray(i * classes, (i + 1) * classes), labels[i]);
  return sum / n;
}

/**
 * @param logits [n, classes]
 * @param loss mean of the n images
 */
export function addBatch(sum: Tally, loss: number, logits: FloatArray, labels: ArrayLike<number>): Tally {
  const n = labels.length;
  const classes = logits.length / n;
  let [top1, top5] = [0, 0];
  for (let i = 0; i < n; i++) {
    const rank = rankOf(logits.subarray(i * classes, (i + 1) * classes), labels[i]);
    if (rank < 1) top1++;
    if (rank < 5) top5++;
  }
  return { loss: sum.loss + n * loss, top1: sum.top1 + top1, top5: sum.top5 + top5, seen: sum.seen + n };
}

export const scoresOf = ({ loss, top1, top5, seen }: Tally): Scores => ({
  loss: loss / seen,
  top1: top1 / seen,
  top5: top5 / seen,
});
