/**
 * What one layer adds to float32's distance from float64, told before it runs: a bound, not an estimate.
 *
 * **One sum.** Let u = 2⁻²⁴ be float32's unit roundoff, η = 2⁻¹⁴⁹ its smallest
 * number and γ_k = k·u/(1 − k·u). K products and a bias, summed in float32 in any
 * order, with or without fused multiply-add, from weights rounded to float32 and
 * from inputs that are themselves off by at most e, differ from the exact sum over
 * the inputs as they are by at most
 *
 *     δ = γ_{K+2} · (Σ|w|·(|x| + e) + |b|) + η · (Σ(|x| + e) + K + 1)
 *
 * (N. Higham: Accuracy and Stability of Numerical Algorithms, sec. 2.2 and 3.1: K
 * for the products and their sum, one for the bias, one for the rounded weight; η
 * for what underflows, in a weight or in a product). The mean over h·w pixels is
 * such a sum with weights 1/(h·w).
 *
 * **One norm.** A batch norm by running statistics, with s = 1/√(σ² + ε), is
 * (x − μ)·s·γ + β, or x·α + (β − μ·α) with α = γ·s, and both are in use. s comes of
 * four roundings at most: σ², ε and their sum are halved by the root, which rounds,
 * as does the division. Each of x, μ and β then passes no more than ten, most of
 * them μ in the second order: μ itself, γ, s, α = γ·s, μ·α, the difference, the sum.
 * The terms are not what the norm makes of them, for x may cancel against μ:
 *
 *     δ = γ_10 · (|γ|·s·(|x| + e + |μ|) + |β|) + η · ((1 + s)·(|x| + e + |μ| + |γ|) + 4)
 *
 * with η for what underflows: in μ, γ and β, in a product, and multiplied by what follows.
 *
 * **One kink.** ReLU and max pooling round nothing, but an input off by e may stand
 * on the other side of the kink. ReLU then differs from its tangent by at most e,
 * and only where |x| ≤ e. A maximum may be won by another than in float64 if some
 * other is within e of it, after which it differs from its tangent by at most 2e.
 * A leaky ReLU of slope λ differs from its tangent by (1 − λ)·e, and below zero
 * rounds λ and one product, where λ is neither 0 nor 1: γ_2 · λ·(|x| + e), and η for
 * each of the two.
 *
 * **Who rounds otherwise** has another u and η (rounding.ts). Of the norm's ten roundings one is a
 * root and one a quotient; of the mean's, one a quotient, which may be that of 1 and h·w. Where
 * every number that is read or written is off by ζ, too, that adds to δ, counted as above:
 *
 *     one sum   ζ · (Σ|w| + K + 1)            of x; of each partial sum, and b
 *     one mean  ζ · (h·w + 2)                 of x and the partial sums, divided or not
 *     one norm  ζ · (3·|γ|·s + |γ| + |x| + e + |μ| + 4)   of x, μ, x − μ; of (x − μ)·s; of α; of the rest
 *     one kink  ζ, or 2ζ where there is a product
 */
import { adaptiveMaxPool2d, adaptiveMaxPool2dRunnerUp } from './adaptiveMaxPool2d.js';
import { BATCH_NORM_EPS } from './batchNorm.js';
import type { Config } from './config.js';
import { conv2d } from './conv2d.js';
import { depthwiseConv2d } from './depthwiseConv2d.js';
import { ParamError } from './errors.js';
import { globalAvgPool } from './globalAvgPool.js';
import { pick, type State } from './layers.js';
import { maxPool2d, maxPool2dRunnerUp } from './maxPool2d.js';
import { full, map, valuesOf, zeros, zip, type Tensor } from './tensor.js';
import { gammaOf, TO_NEAREST, type Rounding } from './rounding.js';
import type { Step } from './vanillaNet.js';

/** Unit roundoff of float32, rounding to nearest. */
export const UNIT_ROUNDOFF = TO_NEAREST.unit;

/** η: the smallest positive float32. */
export const SMALLEST_FLOAT32 = TO_NEAREST.underflow;

/** γ_k of float32, rounding to nearest. */
export const gamma = gammaOf(TO_NEAREST);

const abs = (x: Tensor): Tensor => map(x, Math.abs);
const add = (x: Tensor, y: Tensor): Tensor => zip(x, y, (a, b) => a + b);
const isZero = (x: Tensor): boolean => valuesOf(x).every((v) => v === 0);

export interface Deviation {
  /** δ, by which the layer leaves its own tangent. */
  readonly local: Tensor;
  /** e' of its output: all that came in, carried on, and δ. Of an exact input it is what the layer may be off by. */
  readonly carried: Tensor;
}

/** A sum of `taps` products: `over` sums |w|·v (and |b|) for any v, with the kernel given. */
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
  // Of an exact input there is nothing to carry, which is worth a third of the time.
  return { local, carried: isZero(e) ? local : add(local, over(e, abs(weight), null)) };
}

/** A maximum: where another input of the window may overtake it, 2e. */
function deviationOfMax(y: Tensor, runnerUp: Tensor, widest: Tensor, { flush }: Rounding): Deviation {
  const gap = zip(y, runnerUp, (first, second) => first - second);
  const local = zip(gap, widest, (between, most) => (between <= 2 * most ? 2 * most : 0) + flush);
  return { local, carried: map(widest, (most) => most + flush) };
}

/** A norm by its running statistics. */
function deviationOfNorm(x: Tensor, e: Tensor, name: string, state: State, by: Rounding): Deviation {
  const [, c, h, w] = x.shape;
  const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    valuesOf(pick(state, `${name}.${part}`)),
  );
  const [scale, shift, mean, variance] = parts;
  const inverse = variance.map((v) => 1 / Math.sqrt(v + BATCH_NORM_EPS));
  const [local, carried] = [zeros(x.shape), zeros(x.shape)];
  const [values, off] = [valuesOf(x), valuesOf(e)];
  const share = gammaOf(by)(8 + by.root + by.division);
  values.forEach((value, i) => {
    const k = Math.floor(i / (h * w)) % c;
    const [a, s] = [Math.abs(scale[k]), inverse[k]];
    const reach = Math.abs(value) + off[i] + Math.abs(mean[k]);
    const rounding = share * (a * s * reach + Math.abs(shift[k]));
    const flushed = by.flush * (3 * a * s + a + reach + 4);
    local.data[i] = rounding + by.underflow * ((1 + s) * (reach + a) + 4) + flushed;
    carried.data[i] = local.data[i] + a * s * off[i];
  });
  return { local, carried };
}

/** ReLU where the slope is 0, nothing at all where it is 1. */
function deviationOfLeaky(x: Tensor, e: Tensor, slope: number, by: Rounding): Deviation {
  const rounds = slope !== 0 && slope !== 1;
  const share = gammaOf(by)(2);
  const rounding = zip(x, e, (v, most) => {
    if (!rounds || v > most) return by.flush;
    return share * slope * (Math.abs(v) + most) + by.underflow * (Math.abs(v) + most + 1) + 2 * by.flush;
  });
  const kink = zip(x, e, (v, most) => (Math.abs(v) <= most ? (1 - slope) * most : 0));
  const came = zip(x, e, (v, most) => (v < -most ? slope * most : most));
  return { local: add(rounding, kink), carried: add(rounding, came) };
}

/**
 * δ and e' of one layer of either form, normalized by running statistics, whose input x may be off by e.
 *
 * @param lambda slope of the deep-training activations; the deploy form has none
 * @param by how it is rounded
 * @throws ParamError for a train form without λ
 */
export function deviation(
  step: Step,
  e: Tensor,
  config: Config,
  state: State,
  lambda?: number,
  by: Rounding = TO_NEAREST,
): Deviation {
  const { layer, x } = step;
  const { name, op } = layer;
  switch (op) {
    case 'conv2d': {
      const window = windowOf(name, config);
      const [w, b] = [pick(state, `${name}.weight`), pick(state, `${name}.bias`)];
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => conv2d(v, kernel, bias, window), by);
    }
    case 'depthwiseConv2d': {
      const padding = config.act_num;
      const w = pick(state, `${name}.weight`);
      // In the train form a norm follows instead.
      const b = config.form === 'deploy' ? pick(state, `${name}.bias`) : null;
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => depthwiseConv2d(v, kernel, bias, { padding }), by);
    }
    case 'globalAvgPool': {
      const pixels = x.shape[2] * x.shape[3];
      const share = gammaOf(by)(pixels + by.division);
      const flushed = by.flush * (pixels + 2);
      const local = map(globalAvgPool(add(abs(x), e)), (v) => share * v + by.underflow + flushed);
      return { local, carried: add(local, globalAvgPool(e)) };
    }
    case 'batchNorm':
      return deviationOfNorm(x, e, name, state, by);
    case 'relu':
      return deviationOfLeaky(x, e, 0, by);
    case 'leakyRelu':
      if (lambda === undefined) throw new ParamError(name, 'lambda in [0, 1] for the train form', 'no lambda');
      return deviationOfLeaky(x, e, lambda, by);
    case 'maxPool2d': {
      const [, stage] = name.split('.'); // stages.<i>.pool
      const kernelSize = config.strides[Number(stage)];
      return deviationOfMax(step.trace.y, maxPool2dRunnerUp(x, { kernelSize }), maxPool2d(e, { kernelSize }), by);
    }
    case 'adaptiveMaxPool2d': {
      const { y } = step.trace;
      const [, , oh, ow] = y.shape;
      return deviationOfMax(y, adaptiveMaxPool2dRunnerUp(x, [oh, ow]), adaptiveMaxPool2d(e, [oh, ow]), by);
    }
    case 'dropout':
      return { local: zeros(x.shape), carried: e };
    default:
      throw new ParamError('deviation', 'a layer of VanillaNet', `${op} ${name}`);
  }
}

const windowOf = (name: string, { ada_pool, article_stem }: Config): { stride: number; padding: number } => {
  if (name !== 'stem.0' && name !== 'stem1.0') return { stride: 1, padding: 0 };
  return ada_pool !== null && !article_stem ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };
};
