import type { Tf, TfTensor } from './tf.js';

export interface SgdStep {
  readonly lr: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/**
 * One step of SGD: g ← grad + weightDecay·param, buffer ← momentum·buffer + g, param ← param − lr·buffer, with Nesterov's
 * momentum param ← param − lr·(g + momentum·buffer).
 */
export function sgd(
  tf: Tf,
  param: TfTensor,
  grad: TfTensor,
  buffer: TfTensor,
  { lr, momentum, nesterov, weightDecay }: SgdStep,
): { param: TfTensor; buffer: TfTensor } {
  const g = tf.add(grad, tf.mul(param, weightDecay));
  const b = tf.add(tf.mul(buffer, momentum), g);
  const direction = nesterov ? tf.add(g, tf.mul(b, momentum)) : b;
  return { param: tf.sub(param, tf.mul(direction, lr)), buffer: b };
}
