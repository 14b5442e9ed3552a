import { adaptiveUpdate, updateMoments, type AdamMoments, type AdamStep } from './adam.js';
import type { Tf, TfTensor } from './tf.js';

const sumOfSquares = (tf: Tf, x: TfTensor): TfTensor => tf.sum(tf.square(x));

/** max(1, ‖g‖) of all gradients together, a scalar: LAMB divides every gradient by it. */
export function lambDivisor(tf: Tf, grads: Iterable<TfTensor>): TfTensor {
  let total: TfTensor = tf.tensor(0);
  for (const grad of grads) total = tf.add(total, sumOfSquares(tf, grad));
  return tf.maximum(tf.sqrt(total), 1);
}

/**
 * One step of LAMB. With Adam's moments of grad/divisor: u = `adaptiveUpdate` + weightDecay·param and
 * param ← param − lr·r·u, where r = ‖param‖/‖u‖ if weightDecay ≠ 0 and both norms are positive, else r = 1.
 *
 * @param t the step, counted from 1
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
  const [paramNorm, updateNorm] = [tf.sqrt(sumOfSquares(tf, param)), tf.sqrt(sumOfSquares(tf, u))];
  const arePositive = tf.greater(tf.minimum(paramNorm, updateNorm), 0);
  // `where` computes the quotient in any case, and ignores it if a norm is 0.
  return tf.where(arePositive, tf.div(paramNorm, updateNorm), tf.tensor(1));
}
