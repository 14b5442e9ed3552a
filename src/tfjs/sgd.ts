import type { Tf, TfTensor } from './tf.js';

export interface SgdStep {
  readonly lr: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** g ← grad + weightDecay·param, b ← momentum·b + g, param ← param − lr·b; nesterov: − lr·(g + momentum·b). */
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
