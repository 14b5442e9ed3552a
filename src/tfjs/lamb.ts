import { adaptiveUpdate, updateMoments, type AdamMoments, type AdamStep } from './adam.js';
import type { Tf, TfTensor } from './tf.js';

const squares = (tf: Tf, x: TfTensor): TfTensor => tf.sum(tf.square(x));

/** What every gradient is divided by: max(1, the norm of all of them together). A scalar. */
export function lambDivisor(tf: Tf, grads: Iterable<TfTensor>): TfTensor {
  let total: TfTensor = tf.tensor(0);
  for (const grad of grads) total = tf.add(total, squares(tf, grad));
  return tf.maximum(tf.sqrt(total), 1);
}

/**
 * Adam's moments of grad/divisor; u = `adapted` + weightDecay·param; param ← param − lr·r·u with
 * r = ‖param‖/‖u‖ where weightDecay ≠ 0 and neither norm is 0, else 1.
 */
export function lamb(
  tf: Tf,
  param: TfTensor,
  grad: TfTensor,
  old: AdamMoments,
  t: number,
  divisor: TfTensor,
  step: AdamStep,
): { param: TfTensor } & AdamMoments {
  const moments = updateMoments(tf, tf.div(grad, divisor), old, step.betas);
  const u = tf.add(adaptiveUpdate(tf, moments, t, step), tf.mul(param, step.weightDecay));
  const move = tf.mul(step.weightDecay === 0 ? u : tf.mul(u, trustRatio(tf, param, u)), step.lr);
  return { param: tf.sub(param, move), ...moments };
}

function trustRatio(tf: Tf, param: TfTensor, u: TfTensor): TfTensor {
  const [ofParam, ofUpdate] = [tf.sqrt(squares(tf, param)), tf.sqrt(squares(tf, u))];
  const both = tf.greater(tf.minimum(ofParam, ofUpdate), 0);
  // Where one is 0 the quotient is not looked at.
  return tf.where(both, tf.div(ofParam, ofUpdate), tf.tensor(1));
}
