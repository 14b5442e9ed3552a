/**
 * Bounds on what one layer adds to the difference between a float32 run and a float64 run.
 *
 * **One sum.** Let u = 2⁻²⁴ be the unit roundoff of float32, η = 2⁻¹⁴⁹ its smallest positive number and
 * γ_k = k·u/(1 − k·u). Take K products and a bias, summed in float32 in any order, with or without fused
 * multiply-add, with weights rounded to float32 and inputs that are off by at most e. The result differs
 * from the exact sum over these inputs by at most
 *
 *     δ = γ_{K+2} · (Σ|w|·(|x| + e) + |b|) + η · (Σ(|x| + e) + K + 1)
 *
 * (N. Higham: Accuracy and Stability of Numerical Algorithms, sec. 2.2 and 3.1). K roundings are those of the
 * products and their sum, one is that of the bias, one that of the weight; η bounds the underflow of a weight
 * or a product. The mean over h·w pixels is such a sum with weights 1/(h·w).
 *
 * **One norm.** A batch normalization by running statistics, with s = 1/√(σ² + ε), is computed as
 * (x − μ)·s·γ + β or as x·α + (β − μ·α) with α = γ·s. s takes four roundings at most: the root halves the
 * relative errors of σ², ε and their sum, and rounds itself, as the division does. Each of x, μ and β then passes
 * through at most ten roundings. The longest path is that of μ in the second form: μ, γ, s, α = γ·s, μ·α, the
 * difference, the sum. The bound is taken of the terms and not of their sum, because x may cancel against μ:
 *
 *     δ = γ_10 · (|γ|·s·(|x| + e + |μ|) + |β|) + η · ((1 + s)·(|x| + e + |μ| + |γ|) + 4)
 *
 * where η bounds the underflow of μ, γ, β and the products, times the factors that follow.
 *
 * **One kink.** ReLU and max pooling do not round, but an input that is off by e may be on the other side of the
 * kink. ReLU then differs from its tangent by at most e, and only if |x| ≤ e. Another element may become the
 * maximum of a window if it is within 2e of the float64 maximum; the result then differs from the tangent by at
 * most 2e. A leaky ReLU of slope λ differs from its tangent by (1 − λ)·e. Below zero it rounds λ and one product,
 * unless λ is 0 or 1: γ_2 · λ·(|x| + e), plus η for each of the two.
 *
 * **Other arithmetic** has other values of u and η (rounding.ts). One of the ten roundings of the norm is a root
 * and one a quotient; one of the mean's is a quotient, that by h·w or 1/(h·w). If every number that is read or
 * written may be off by ζ, δ grows by
 *
 *     one sum   ζ · (Σ|w| + K + 1)            of x; of each partial sum, and b
 *     one mean  ζ · (h·w + 2)                 of x and the partial sums, divided or not
 *     one norm  ζ · (3·|γ|·s + |γ| + |x| + e + |μ| + 4)   of x, μ, x − μ; of (x − μ)·s; of α; of the rest
 *     one kink  ζ, or 2ζ with a product
 */
import { adaptiveMaxPool2d, adaptiveMaxPool2dRunnerUp } from './adaptiveMaxPool2d.js';
import { BATCH_NORM_EPS } from './batchNorm.js';
import { checkConfig, type Config } from './config.js';
import { conv2d } from './conv2d.js';
import { depthwiseConv2d } from './depthwiseConv2d.js';
import { ParamError } from './errors.js';
import { globalAvgPool } from './globalAvgPool.js';
import { pick, type State } from './layers.js';
import { maxPool2d, maxPool2dRunnerUp } from './maxPool2d.js';
import { full, map, valuesOf, zeros, zip, type Tensor } from './tensor.js';
import { gammaOf, TO_NEAREST, type Rounding } from './rounding.js';
import type { Step } from './vanillaNet.js';
import {
  requireNonNegative,
  requireOptions,
  requireRange,
  requireSameShape,
  requireState,
  requireTensor,
  requireText,
  show,
} from './require.js';

/** Unit roundoff of float32, rounding to nearest. */
export const UNIT_ROUNDOFF = TO_NEAREST.unit;

/** η, the smallest positive float32. */
export const SMALLEST_FLOAT32 = TO_NEAREST.underflow;

/** γ_k of float32, rounding to nearest. */
export const gamma = gammaOf(TO_NEAREST);

const abs = (x: Tensor): Tensor => map(x, Math.abs);
const add = (x: Tensor, y: Tensor): Tensor => zip(x, y, (a, b) => a + b);
const isZero = (x: Tensor): boolean => valuesOf(x).every((v) => v === 0);

/** Bounds for each element of a layer's output. */
export interface Deviation {
  /** δ: the difference between the float32 layer and its tangent. */
  readonly local: Tensor;
  /** e': the error of the input, propagated through the layer, plus δ. For an exact input, the error of the layer. */
  readonly total: Tensor;
}

/** A sum of products. `over(v, kernel, b)` computes Σ kernel·v + b with the layer's geometry. */
function deviationOfSum(
  x: Tensor,
  e: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  over: (v: Tensor, kernel: Tensor, b: Tensor | null) => Tensor,
  by: Rounding,
): Deviation {
  const [, c, kh, kw] = weight.shape;
  const taps = c * kh * kw;
  const share = gammaOf(by)(taps + 2);
  const reach = add(abs(x), e);
  const rounding = over(reach, abs(weight), bias === null ? null : abs(bias));
  const underflow = over(reach, full(weight.shape, 1), null);
  let local = zip(rounding, underflow, (r, s) => share * r + by.underflow * (s + taps + 1));
  if (by.flush > 0) {
    const weights = over(full(x.shape, 1), abs(weight), null);
    local = zip(local, weights, (r, w) => r + by.flush * (w + taps + 1));
  }
  // An exact input has no error to propagate; skipping that sum saves a third of the time.
  return { local, total: isZero(e) ? local : add(local, over(e, abs(weight), null)) };
}

/** A maximum: 2e where the runner-up is near enough to become the maximum. */
function deviationOfMax(y: Tensor, runnerUp: Tensor, widest: Tensor, { flush }: Rounding): Deviation {
  const gap = zip(y, runnerUp, (first, second) => first - second);
  const local = zip(gap, widest, (between, most) => (between <= 2 * most ? 2 * most : 0) + flush);
  return { local, total: map(widest, (most) => most + flush) };
}

/** A batch normalization by running statistics. */
function deviationOfNorm(x: Tensor, e: Tensor, name: string, state: State, by: Rounding): Deviation {
  const [, c, h, w] = x.shape;
  const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    valuesOf(pick(state, `${name}.${part}`)),
  );
  const [scale, shift, mean, variance] = parts;
  const inverse = variance.map((v) => 1 / Math.sqrt(v + BATCH_NORM_EPS));
  const [local, total] = [zeros(x.shape), zeros(x.shape)];
  const [values, off] = [valuesOf(x), valuesOf(e)];
  const share = gammaOf(by)(8 + by.root + by.division);
  values.forEach((value, i) => {
    const k = Math.floor(i / (h * w)) % c;
    const [a, s] = [Math.abs(scale[k]), inverse[k]];
    const reach = Math.abs(value) + off[i] + Math.abs(mean[k]);
    const rounding = share * (a * s * reach + Math.abs(shift[k]));
    const flushed = by.flush * (3 * a * s + a + reach + 4);
    local.data[i] = rounding + by.underflow * ((1 + s) * (reach + a) + 4) + flushed;
    total.data[i] = local.data[i] + a * s * off[i];
  });
  return { local, total };
}

/** A leaky ReLU; slope 0 is ReLU, slope 1 the identity. */
function deviationOfLeaky(x: Tensor, e: Tensor, slope: number, by: Rounding): Deviation {
  const rounds = slope !== 0 && slope !== 1;
  const share = gammaOf(by)(2);
  const rounding = zip(x, e, (v, most) => {
    if (!rounds || v > most) return by.flush;
    return share * slope * (Math.abs(v) + most) + by.underflow * (Math.abs(v) + most + 1) + 2 * by.flush;
  });
  const kink = zip(x, e, (v, most) => (Math.abs(v) <= most ? (1 - slope) * most : 0));
  const tangent = zip(x, e, (v, most) => (v < -most ? slope * most : most));
  return { local: add(rounding, kink), total: add(rounding, tangent) };
}

/**
 * Bounds δ and e' for one layer of the train or the deploy form, in evaluation mode.
 *
 * @param step the layer with its input x and its output, both in float64
 * @param e bounds on the error of the layer's input, of x's shape
 * @param lambda λ, for the train form
 * @param by the arithmetic; default float32 rounding to nearest
 * @returns bounds of the shape of the layer's output
 * @throws ParamError if the train form has no λ
 */
export function deviation(
  step: Step,
  e: Tensor,
  config: Config,
  state: State,
  lambda?: number,
  by: Rounding = TO_NEAREST,
): Deviation {
  const { layer, x } = requireOptions('deviation', 'step', step);
  requireOptions('deviation', 'layer', layer);
  requireSameShape('deviation', 'e', e, 'x', x);
  checkConfig(config);
  requireState('deviation', 'state', state);
  requireOptions('deviation', 'rounding', by, Object.keys(TO_NEAREST));
  for (const [name, value] of Object.entries(by)) requireNonNegative('deviation', name, value as number);
  const { op } = layer;
  const name = requireText('deviation', 'layer.name', layer.name);
  switch (op) {
    case 'conv2d': {
      const window = windowOf(name, config);
      const [w, b] = [pick(state, `${name}.weight`), pick(state, `${name}.bias`)];
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => conv2d(v, kernel, bias, window), by);
    }
    case 'depthwiseConv2d': {
      const padding = config.act_num;
      const w = pick(state, `${name}.weight`);
      // The train form has a batch normalization instead of a bias.
      const b = config.form === 'deploy' ? pick(state, `${name}.bias`) : null;
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => depthwiseConv2d(v, kernel, bias, { padding }), by);
    }
    case 'globalAvgPool': {
      const pixels = x.shape[2] * x.shape[3];
      const share = gammaOf(by)(pixels + by.division);
      const flushed = by.flush * (pixels + 2);
      const local = map(globalAvgPool(add(abs(x), e)), (v) => share * v + by.underflow + flushed);
      return { local, total: add(local, globalAvgPool(e)) };
    }
    case 'batchNorm':
      return deviationOfNorm(x, e, name, state, by);
    case 'relu':
      return deviationOfLeaky(x, e, 0, by);
    case 'leakyRelu':
      if (lambda === undefined) throw new ParamError(name, 'lambda in [0, 1] for the train form', 'no lambda');
      requireRange('deviation', 'lambda', lambda, 0, 1);
      return deviationOfLeaky(x, e, lambda, by);
    case 'maxPool2d': {
      const [, stage] = name.split('.'); // stages.<i>.pool
      const kernelSize = config.strides[Number(stage)];
      return deviationOfMax(outputOf(step), maxPool2dRunnerUp(x, { kernelSize }), maxPool2d(e, { kernelSize }), by);
    }
    case 'adaptiveMaxPool2d': {
      const y = outputOf(step);
      const [, , oh, ow] = y.shape;
      return deviationOfMax(y, adaptiveMaxPool2dRunnerUp(x, [oh, ow]), adaptiveMaxPool2d(e, [oh, ow]), by);
    }
    case 'dropout':
      return { local: zeros(x.shape), total: e };
    default:
      throw new ParamError('deviation', 'a layer of VanillaNet', `${show(op)} ${name}`);
  }
}

/** The output of a layer. */
function outputOf({ trace }: Step): Tensor {
  const { y } = requireOptions('deviation', 'trace', trace);
  requireTensor('deviation', 'y', y);
  return y;
}

const windowOf = (name: string, { ada_pool, article_stem }: Config): { stride: number; padding: number } => {
  if (name !== 'stem.0' && name !== 'stem1.0') return { stride: 1, padding: 0 };
  return ada_pool !== null && !article_stem ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };
};
