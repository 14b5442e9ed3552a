import {
  requireInteger,
  requireList,
  requireNonNegative,
  requireOptions,
  requireRange,
  requireShape,
  requireTensor,
} from './require.js';
import { zip, type Tensor } from './tensor.js';

export interface AdamOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Decay rates of the first and the second moment. Default 0.9, 0.999. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** Weight decay: an L2 term added to the gradient, unless `decoupled`. Default 0. */
  readonly weightDecay?: number;
  /** Whether the decay shrinks the parameter directly, as in AdamW (arXiv 1711.05101). Default false. */
  readonly decoupled?: boolean;
}

/** First and second moment of one parameter, of its shape; zeros before the first step. */
export interface AdamMoments {
  readonly m: Tensor;
  readonly v: Tensor;
}

/**
 * One step of Adam (Kingma & Ba, arXiv 1412.6980) with weight decay:
 *
 *     g ← grad + weightDecay·param        decoupled: param ← param·(1 − lr·weightDecay), g ← grad
 *     m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
 *     param ← param − lr · (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + eps)
 *
 * @param grad of the parameter's shape
 * @param step t, counted from 1
 * @returns parameter and moments after the step (new tensors)
 * @throws ShapeError, ParamError
 */
export function adam(
  param: Tensor,
  grad: Tensor,
  moments: AdamMoments,
  step: number,
  options: AdamOptions,
): { param: Tensor } & AdamMoments {
  const { m, v } = requireOptions('adam', 'moments', moments);
  const {
    lr,
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    decoupled = false,
  } = requireOptions('adam', 'options', options, ['lr', 'betas', 'eps', 'weightDecay', 'decoupled']);
  const [beta1, beta2] = requireList('adam', 'betas', betas);
  requireTensor('adam', 'param', param);
  for (const [name, x] of Object.entries({ grad, m, v })) requireShape('adam', name, x, param.shape);
  requireInteger('adam', 'step', step, 1);
  requireRange('adam', 'beta1', beta1, 0, 1, true);
  requireRange('adam', 'beta2', beta2, 0, 1, true);
  for (const [name, value] of Object.entries({ lr, eps, weightDecay })) requireNonNegative('adam', name, value);

  const g = zip(grad, param, (gradient, p) => (decoupled ? gradient : gradient + weightDecay * p));
  const newM = zip(m, g, (moment, gradient) => beta1 * moment + (1 - beta1) * gradient);
  const newV = zip(v, g, (moment, gradient) => beta2 * moment + (1 - beta2) * gradient * gradient);
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const move = zip(newM, newV, (a, b) => a / correction1 / (Math.sqrt(b / correction2) + eps));
  const keep = decoupled ? 1 - lr * weightDecay : 1;
  return { param: zip(param, move, (p, d) => keep * p - lr * d), m: newM, v: newV };
}
