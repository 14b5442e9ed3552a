import type { Tf, TfTensor } from './tf.js';

export interface AdamStep {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
}

export interface AdamMoments {
  readonly m: TfTensor;
  readonly v: TfTensor;
}

/** m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g² */
export function updateMoments(
  tf: Tf,
  g: TfTensor,
  { m, v }: AdamMoments,
  [beta1, beta2]: AdamStep['betas'],
): AdamMoments {
  return {
    m: tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)),
    v: tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)),
  };
}

/** (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + eps) @param t the step, counted from 1 */
export function adaptiveUpdate(
  tf: Tf,
  { m, v }: AdamMoments,
  t: number,
  { betas: [beta1, beta2], eps }: AdamStep,
): TfTensor {
  const spread = tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** t)), eps);
  return tf.div(tf.div(m, 1 - beta1 ** t), spread);
}

/**
 * One step of Adam, or of AdamW if `decoupled`. Adam: g ← grad + weightDecay·param. AdamW: g ← grad and
 * param ← param·(1 − lr·weightDecay). Then, with the moments of g: param ← param − lr·`adaptiveUpdate`.
 *
 * @param t the step, counted from 1
 */
export function adam(
  tf: Tf,
  param: TfTensor,
  grad: TfTensor,
  old: AdamMoments,
  t: number,
  { decoupled, ...step }: AdamStep & { readonly decoupled: boolean },
): { param: TfTensor } & AdamMoments {
  const { lr, weightDecay } = step;
  const g = decoupled ? grad : tf.add(grad, tf.mul(param, weightDecay));
  const moments = updateMoments(tf, g, old, step.betas);
  const decayed = decoupled ? tf.mul(param, 1 - lr * weightDecay) : param;
  return { param: tf.sub(decayed, tf.mul(adaptiveUpdate(tf, moments, t, step), lr)), ...moments };
}
