import type { Matrix, Tf, Vector } from './tf.js';

/** exp(−|x|), which cannot overflow. */
const tail = (tf: Tf, x: Matrix): Matrix => tf.exp(tf.neg(tf.abs(x)));

/**
 * Binary cross-entropy of each image in nats: the mean over classes of max(x, 0) − x·q + log(1 + exp(−|x|)).
 *
 * @param q [n,classes], in [0, 1]
 */
export const bceWithLogits = (tf: Tf, logits: Matrix, q: Matrix): Vector =>
  tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, q)), tf.log(tf.add(tail(tf, logits), 1))), 1);

/** dlogits = (σ(x) − q) / (n·classes), for the mean loss over images. */
export function bceWithLogitsBackward(tf: Tf, logits: Matrix, q: Matrix): Matrix {
  const t = tail(tf, logits);
  // σ(x) = 1/(1 + t) for x > 0, else t/(1 + t).
  const sigma = tf.div(tf.where(tf.greater(logits, 0), tf.ones(t.shape), t), tf.add(t, 1));
  return tf.div(tf.sub(sigma, q), logits.shape[0] * logits.shape[1]);
}
