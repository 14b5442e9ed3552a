/**
 * The error bound of an optimizer step in float32 relative to the float64 reference, on the same inputs. With u = 2⁻²⁴,
 * γ_k = k·u/(1 − k·u) and every constant rounded once before its use:
 *
 *   g    a product and a sum: γ₃·(|grad| + wd·|p|) = e_g; divided by LAMB's divisor, γ₂·|g|
 *   m    b = β₁|m| + (1 − β₁)|g|, three roundings: γ₃·b + (1 − β₁)·e_g
 *   v    likewise, with an error of 2|g|e_g + e_g² for g²
 *   s    √(v/c₂) + eps: the root of a with error e is off by min(e/√a, √e); two more roundings
 *   d    m/c₁/s: (e_m/c₁ + γ₃·|m/c₁|)/s′ + |d|·e_s/s′, s′ = max(s − e_s, eps/2) the lower bound of s
 *   u    LAMB's: d + wd·p, two products and a sum
 *   r    LAMB's: ‖u‖ is off by at most ‖e_u‖; both norms are summed in float64
 *   p    p − lr·d: lr·e_d + γ₃·lr·|d|, and the sum's rounding; AdamW's factor of p is rounded four times
 *
 * In an engine of another arithmetic, quotients and roots count as more than one rounding, and norms summed in float32
 * are off by half of γ of their terms.
 *
 * Magnitudes of computed values are taken 2⁻¹⁰ larger than the exact ones.
 */
import { adam, lamb, layerScale, sgd, tensor, valuesOf } from '../../reference/index.js';
import type { OptimizerStep } from '../../src/core/optimizer.js';
import type { Tensor } from '../../src/core/tensor.js';
import { gammaOf, WASM, type Arithmetic } from './arithmetic.js';

/** Looked up once, because access to globals is slow in test runners. */
const { abs: absolute, sqrt, max, min } = Math;

/** The inputs of a step: a parameter with its gradient and moments. */
export interface Before {
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

export interface After {
  readonly exact: Float64Array;
  readonly bound: Float64Array;
}

const toOracle = ({ data, shape }: Tensor) => tensor(data, shape);
const norm = (x: Float64Array): number => sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** LAMB's divisor of the gradients, with its relative error. */
export interface Divisor {
  readonly value: number;
  readonly off: number;
}

/** The relative error of the divisor for float32 sums over that many values; it is 1 if no gradient is clipped. */
export const divisorOff = (terms: number, by: Arithmetic): number =>
  by.longNorms ? gammaOf(by)(1) : gammaOf(by)(terms / 2 + 2 + by.root);

/** The results by name: the parameter, and its moments or its momentum buffer. */
export function optimizerBound(
  before: Before,
  step: Required<OptimizerStep>,
  count: number,
  divisor: Divisor,
  by: Arithmetic = WASM,
): Map<string, After> {
  const gamma = (k: number): number => gammaOf(by)(k) * (1 + 2 ** -10);
  const U = by.unit;
  const [p, g, m, v] = [before.p, before.g, before.m, before.v].map(toOracle);
  const { kind, lr, weightDecay: wd, eps, momentum, nesterov } = step;
  const [beta1, beta2] = step.betas;
  const size = before.p.data.length;
  const of = (bound: (i: number) => number): Float64Array => Float64Array.from({ length: size }, (_, i) => bound(i));
  const abs = (t: Tensor): Float64Array => of((i) => absolute(t.data[i]));
  const [ap, ag, am, av] = [before.p, before.g, before.m, before.v].map(abs);
  const coupled = kind === 'adam' || kind === 'sgd' ? wd : 0;
  const grad = of((i) => ag[i] / divisor.value + coupled * ap[i]);
  const offGrad = grad.map((x) => (gamma(2 + by.division) + divisor.off) * x);

  if (kind === 'sgd') {
    const exact = sgd(p, g, m, { lr, momentum, nesterov, weightDecay: wd });
    const buffer = of((i) => momentum * am[i] + grad[i]);
    const offBuffer = of((i) => gamma(3) * buffer[i] + offGrad[i]);
    const move = of((i) => (nesterov ? grad[i] + momentum * buffer[i] : buffer[i]));
    const offMove = of((i) => (nesterov ? offGrad[i] + momentum * offBuffer[i] + gamma(3) * move[i] : offBuffer[i]));
    const bound = of((i) => lr * offMove[i] + gamma(4) * lr * move[i] + U * (1 + 2 ** -10) * ap[i]);
    return new Map([
      ['param', { exact: valuesOf(exact.param), bound }],
      ['momentum_buffer', { exact: valuesOf(exact.buffer), bound: offBuffer }],
    ]);
  }

  const options = { lr, betas: step.betas, eps, weightDecay: wd };
  const exact =
    kind === 'lamb'
      ? lamb(p, g, { m, v }, count, divisor.value, options)
      : adam(p, g, { m, v }, count, { ...options, decoupled: kind === 'adamw' });
  const [newM, newV] = [valuesOf(exact.m), valuesOf(exact.v)];
  const offM = of((i) => gamma(3) * (beta1 * am[i] + (1 - beta1) * grad[i]) + (1 - beta1) * offGrad[i]);
  const offV = of(
    (i) =>
      gamma(4) * (beta2 * av[i] + (1 - beta2) * grad[i] ** 2) +
      (1 - beta2) * (2 * grad[i] * offGrad[i] + offGrad[i] ** 2),
  );
  const [c1, c2] = [1 - beta1 ** count, 1 - beta2 ** count];
  const d = of((i) => newM[i] / c1 / (sqrt(newV[i] / c2) + eps));
  const offD = of((i) => {
    const corrected = newV[i] / c2;
    const off = offV[i] / c2 + gamma(1 + by.division) * (corrected + offV[i] / c2);
    const root = off === 0 ? 0 : min(corrected > 0 ? off / sqrt(corrected) : Infinity, sqrt(off));
    const s = sqrt(corrected) + eps;
    const offS = root + gamma(2 + by.root) * (s + root);
    const least = max(s - offS, eps / 2);
    return (
      (offM[i] / c1 + (gamma(1 + 2 * by.division) * (absolute(newM[i]) + offM[i])) / c1 + absolute(d[i]) * offS) / least
    );
  });
  let bound: Float64Array;
  if (kind === 'lamb') {
    const update = of((i) => d[i] + wd * before.p.data[i]);
    const offU = of((i) => offD[i] + gamma(3) * (absolute(d[i]) + offD[i] + wd * ap[i]));
    const [ofParam, ofUpdate] = [norm(ap), norm(update)];
    const scaled = wd !== 0 && ofParam > 0 && ofUpdate > 0;
    const ratio = scaled ? ofParam / ofUpdate : 1;
    // Half of the relative error of the sum of squares, and the root: for both norms.
    const rounding = by.longNorms ? 0 : gamma(size + 4 + 2 * by.root);
    const off = scaled ? norm(offU) / (ofUpdate - norm(offU)) + rounding : 0;
    bound = of((i) => {
      const most = absolute(update[i]) + offU[i];
      return lr * ratio * (offU[i] + (off + gamma(3 + by.division)) * (1 + off) * most) + U * (1 + 2 ** -10) * ap[i];
    });
  } else {
    const shrunk = kind === 'adamw' ? gamma(4) : U;
    bound = of((i) => lr * offD[i] + gamma(4) * lr * (absolute(d[i]) + offD[i]) + shrunk * (1 + 2 ** -10) * ap[i]);
  }
  return new Map([
    ['param', { exact: valuesOf(exact.param), bound }],
    ['exp_avg', { exact: newM, bound: offM }],
    ['exp_avg_sq', { exact: newV, bound: offV }],
  ]);
}

/** The settings of a step for a parameter of this name and shape. */
export const stepOf = (
  name: string,
  shape: readonly number[],
  step: Required<OptimizerStep>,
  stages: number,
): Required<OptimizerStep> => ({
  ...step,
  lr: name.startsWith('cls') ? step.headLr : step.lr * layerScale(name, stages, step.layerDecay),
  weightDecay: shape.length > 1 || step.decayVectors ? step.weightDecay : 0,
});
