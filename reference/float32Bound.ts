/**
 * How far a float32 run of the deploy form can be from the float64 one, told
 * before it runs: a bound, not an estimate.
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
 * **One kink.** ReLU and max pooling round nothing, but an input off by e may stand
 * on the other side of the kink. ReLU then differs from its tangent by at most e,
 * and only where |x| ≤ e. A maximum may be won by another than in float64 if some
 * other is within e of it, after which it differs from its tangent by at most 2e.
 *
 * **The chain.** Every deviation is thus the tangent map of what came in, plus a
 * local δ. Tangent maps are what backward transposes, so that exactly
 *
 *     |z̃ − z| ≤ Σ over all layers and elements of |∂z/∂y| · δ
 *
 * for every logit z. The e that the δ need is carried forward worst case upon worst
 * case, e' = |tangent|·e + δ, and grows some tenfold with every stage. For a deep
 * network the bound is still true, and says nothing. The same sum with e = 0 is the
 * bound to first order and away from kinks: not certain, but within some hundred
 * times of what float32 does at any depth. Both are reported.
 */
import { adaptiveMaxPool2d } from './adaptiveMaxPool2d.js';
import type { Config } from './config.js';
import { conv2d } from './conv2d.js';
import { depthwiseConv2d } from './depthwiseConv2d.js';
import { ParamError } from './errors.js';
import { globalAvgPool } from './globalAvgPool.js';
import { pick, type State } from './layers.js';
import { maxPool2d } from './maxPool2d.js';
import { full, map, valuesOf, zeros, zip, type Tensor } from './tensor.js';
import { forward, type Step } from './vanillaNet.js';

/** Unit roundoff of float32, rounding to nearest. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** η: the smallest positive float32. */
export const SMALLEST_FLOAT32 = 2 ** -149;

/** γ_k = k·u/(1 − k·u): the relative error that k roundings can add up to. */
export const gamma = (k: number): number => (k * UNIT_ROUNDOFF) / (1 - k * UNIT_ROUNDOFF);

const abs = (x: Tensor): Tensor => map(x, Math.abs);
const add = (x: Tensor, y: Tensor): Tensor => zip(x, y, (a, b) => a + b);

/** A layer's own δ, and the e' of its output: all that came in, carried on, and δ. */
interface Deviation {
  readonly local: Tensor;
  readonly carried: Tensor;
}

/** A sum of `taps` products: `over` sums |w|·v (and |b|) for any v, with the kernel given. */
function deviationOfSum(
  x: Tensor,
  e: Tensor,
  weight: Tensor,
  bias: Tensor,
  over: (v: Tensor, kernel: Tensor, b: Tensor) => Tensor,
): Deviation {
  const [, c, kh, kw] = weight.shape;
  const taps = c * kh * kw;
  const reach = add(abs(x), e);
  const none = zeros(bias.shape);
  const rounding = over(reach, abs(weight), abs(bias));
  const underflow = over(reach, full(weight.shape, 1), none);
  const local = zip(rounding, underflow, (r, s) => gamma(taps + 2) * r + SMALLEST_FLOAT32 * (s + taps + 1));
  return { local, carried: add(local, over(e, abs(weight), none)) };
}

/** A maximum: where another input of the window may overtake, 2e; windows are those of `pool`. */
function deviationOfMax(step: Step, e: Tensor, pool: (v: Tensor) => Tensor): Deviation {
  const { x, trace } = step;
  const widest = pool(e);
  // How many of a window could be the maximum: those whose x + e reaches the winner's x − e.
  const winner = trace.backward(full(trace.y.shape, 1)).dx;
  const others = zip(x, winner, (v, won) => (won === 0 ? v : -Infinity));
  const runnerUp = pool(others);
  const gap = zip(trace.y, runnerUp, (first, second) => first - second);
  const local = zip(gap, widest, (between, most) => (between <= 2 * most ? 2 * most : 0));
  return { local, carried: widest };
}

/**
 * δ and e' of one layer, whose input x may be off by e.
 *
 * @throws ParamError for an op that the deploy form does not have
 */
function deviation(step: Step, e: Tensor, config: Config, state: State): Deviation {
  const { layer, x } = step;
  const { name, op } = layer;
  switch (op) {
    case 'conv2d': {
      const window = windowOf(name, config);
      const [w, b] = [pick(state, `${name}.weight`), pick(state, `${name}.bias`)];
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => conv2d(v, kernel, bias, window));
    }
    case 'depthwiseConv2d': {
      const padding = config.act_num;
      const [w, b] = [pick(state, `${name}.weight`), pick(state, `${name}.bias`)];
      return deviationOfSum(x, e, w, b, (v, kernel, bias) => depthwiseConv2d(v, kernel, bias, { padding }));
    }
    case 'globalAvgPool': {
      const pixels = x.shape[2] * x.shape[3];
      const local = map(globalAvgPool(add(abs(x), e)), (v) => gamma(pixels + 1) * v + SMALLEST_FLOAT32);
      return { local, carried: add(local, globalAvgPool(e)) };
    }
    case 'relu': {
      const local = zip(x, e, (v, most) => (Math.abs(v) <= most ? most : 0));
      return { local, carried: zip(x, e, (v, most) => (v < -most ? 0 : most)) };
    }
    case 'maxPool2d': {
      const [, stage] = name.split('.'); // stages.<i>.pool
      const kernelSize = config.strides[Number(stage)];
      return deviationOfMax(step, e, (v) => maxPool2d(v, { kernelSize }));
    }
    case 'adaptiveMaxPool2d': {
      const [, , oh, ow] = step.trace.y.shape;
      return deviationOfMax(step, e, (v) => adaptiveMaxPool2d(v, [oh, ow]));
    }
    case 'dropout':
      return { local: zeros(x.shape), carried: e };
    default:
      throw new ParamError('float32Bound', 'a layer of the deploy form', `${op} ${name}`);
  }
}

const windowOf = (name: string, { ada_pool, article_stem }: Config): { stride: number; padding: number } => {
  if (name !== 'stem.0') return { stride: 1, padding: 0 };
  return ada_pool !== null && !article_stem ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };
};

export interface Float32Bound {
  /** float64 logits of the fused network on x. */
  readonly logits: Tensor;
  /** The largest bound over all images and the logits looked at. */
  readonly bound: number;
  /** By image and logit [n, num_classes]; NaN where not looked at. */
  readonly bounds: Tensor;
  /** The same to first order and away from kinks. */
  readonly firstOrder: Tensor;
}

/**
 * The bound for a batch, for weights and an image that float32 still has to round.
 *
 * @param config of the deploy form
 * @param x [n, in_chans, h, w]
 * @param most bound only this many logits of each image, the largest: each costs one backward pass
 */
export function float32Bound(config: Config, state: State, x: Tensor, most = Infinity): Float32Bound {
  if (!(most >= 1)) throw new ParamError('float32Bound', 'at least one logit of each image', `${most}`);
  const { logits, steps } = forward(config, state, x, { training: false });
  const [n, classes] = logits.shape;
  const inputRounding = map(x, (v) => UNIT_ROUNDOFF * Math.abs(v) + SMALLEST_FLOAT32);
  let e = inputRounding;
  const nothing = (step: Step): Tensor => zeros(step.x.shape);
  const exactInputs = steps.map((step) => deviation(step, nothing(step), config, state).local);
  const locals = steps.map((step) => {
    const { local, carried } = deviation(step, e, config, state);
    e = carried;
    return local;
  });
  // What the logits cannot be off by more than, worst case upon worst case: for very shallow networks the better bound.
  const worst = e;

  const ranked = Array.from({ length: n }, (_, i) =>
    Array.from({ length: classes }, (_class, c) => c).sort((a, b) => logits.get(i, b) - logits.get(i, a)),
  );
  const [bounds, firstOrder] = [full(logits.shape, NaN), full(logits.shape, NaN)];
  let bound = 0;
  for (let rank = 0; rank < Math.min(most, classes); rank++) {
    // One backward pass serves the logit of this rank of every image: images do not mix in eval.
    let dy = zeros([n, classes, 1, 1]);
    for (let i = 0; i < n; i++) dy.set(i, ranked[i][rank], 0, 0, 1);
    const [sums, firstSums] = [new Float64Array(n), new Float64Array(n)];
    for (let l = steps.length - 1; l >= 0; l--) {
      addWeighted(sums, dy, locals[l]);
      addWeighted(firstSums, dy, exactInputs[l]);
      dy = steps[l].trace.backward(dy).dx;
    }
    addWeighted(sums, dy, inputRounding);
    addWeighted(firstSums, dy, inputRounding);
    sums.forEach((sum, i) => {
      const c = ranked[i][rank];
      bounds.set(i, c, Math.min(sum, worst.get(i, c, 0, 0)));
      firstOrder.set(i, c, firstSums[i]);
      bound = Math.max(bound, bounds.get(i, c));
    });
  }
  return { logits, bound, bounds, firstOrder };
}

/** sums[i] += Σ |dy|·δ over the elements of image i. */
function addWeighted(sums: Float64Array, dy: Tensor, delta: Tensor): void {
  const [g, d] = [valuesOf(dy), valuesOf(delta)];
  const perImage = g.length / sums.length;
  // An infinite δ under a gradient of zero reaches nothing.
  g.forEach((v, i) => (sums[Math.floor(i / perImage)] += v === 0 ? 0 : Math.abs(v) * d[i]));
}
