import type { Matrix, Tf, Vector } from './tf.js';

/** log p = x − max − log Σ exp(x − max), row by row. */
function logSoftmax(tf: Tf, logits: Matrix): Matrix {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
}

/** −Σ_c q[i,c]·log p[i,c] of each image i, in nats. @param q target probabilities [n,classes] */
export const crossEntropy = (tf: Tf, logits: Matrix, q: Matrix): Vector =>
  tf.neg(tf.sum(tf.mul(q, logSoftmax(tf, logits)), 1));

/** dlogits[i,c] = (p[i,c]·Σ q[i,·] − q[i,c]) / n, for the mean loss over images. */
export function crossEntropyBackward(tf: Tf, logits: Matrix, q: Matrix): Matrix {
  const p = tf.exp(logSoftmax(tf, logits));
  return tf.div(tf.sub(tf.mul(p, tf.sum(q, 1, true)), q), logits.shape[0]);
}
