import type { AdamMoments, AdamOptions } from './adam.js';
import { ParamError } from './errors.js';
import {
  requireInteger,
  requireList,
  requireNonNegative,
  requireOptions,
  requireRange,
  requireShape,
  requireTensor,
  show,
} from './require.js';
import { map, valuesOf, zip, type Tensor } from './tensor.js';

const norm = (x: Tensor): number => Math.sqrt(valuesOf(x).reduce((sum, v) => sum + v * v, 0));

const isIterable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && !ArrayBuffer.isView(value);

/** The divisor of every gradient in LAMB: max(1, ‖g‖), where ‖g‖ is the norm of all gradients together. */
export function lambDivisor(grads: Iterable<Tensor>): number {
  if (!isIterable(grads)) throw new ParamError('lambDivisor', 'grads, tensors in a list', show(grads));
  let squares = 0;
  for (const grad of grads) squares += norm(grad) ** 2;
  return Math.max(1, Math.sqrt(squares));
}

/**
 * One step of LAMB (You et al., arXiv 1904.00962), as in timm:
 *
 *     g ← grad/divisor        m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
 *     u = (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + eps) + weightDecay·param
 *     param ← param − lr·r·u        r = ‖param‖/‖u‖ if weightDecay ≠ 0 and neither norm is 0, else 1
 *
 * @param step t, counted from 1
 * @param divisor the result of `lambDivisor`
 * @returns parameter and moments after the step (new tensors)
 * @throws ShapeError, ParamError
 */
export function lamb(
  param: Tensor,
  grad: Tensor,
  moments: AdamMoments,
  step: number,
  divisor: number,
  options: Omit<AdamOptions, 'decoupled'>,
): { param: Tensor } & AdamMoments {
  const { m, v } = requireOptions('lamb', 'moments', moments);
  const {
    lr,
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
  } = requireOptions('lamb', 'options', options, ['lr', 'betas', 'eps', 'weightDecay']);
  const [beta1, beta2] = requireList('lamb', 'betas', betas);
  requireTensor('lamb', 'param', param);
  for (const [name, x] of Object.entries({ grad, m, v })) requireShape('lamb', name, x, param.shape);
  requireInteger('lamb', 'step', step, 1);
  requireRange('lamb', 'beta1', beta1, 0, 1, true);
  requireRange('lamb', 'beta2', beta2, 0, 1, true);
  requireRange('lamb', 'divisor', divisor, 1, Infinity);
  for (const [name, value] of Object.entries({ lr, eps, weightDecay })) requireNonNegative('lamb', name, value);

  const g = map(grad, (gradient) => gradient / divisor);
  const newM = zip(m, g, (moment, gradient) => beta1 * moment + (1 - beta1) * gradient);
  const newV = zip(v, g, (moment, gradient) => beta2 * moment + (1 - beta2) * gradient * gradient);
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const adapted = zip(newM, newV, (a, b) => a / correction1 / (Math.sqrt(b / correction2) + eps));
  const u = zip(adapted, param, (d, p) => d + weightDecay * p);
  const [ofParam, ofUpdate] = [norm(param), norm(u)];
  const ratio = weightDecay !== 0 && ofParam > 0 && ofUpdate > 0 ? ofParam / ofUpdate : 1;
  return { param: zip(param, u, (p, d) => p - lr * ratio * d), m: newM, v: newV };
}
