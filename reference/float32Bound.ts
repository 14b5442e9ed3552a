/**
 * How far a float32 run of the deploy form can be from the float64 one, told
 * before it runs.
 *
 * Let u = 2⁻²⁴ be float32's unit roundoff and γ_k = k·u/(1 − k·u). A sum of K
 * products and a bias, computed in float32 in any order, with or without fused
 * multiply-add, from weights rounded to float32, is off by at most
 *
 *     δ = γ_{K+2} · (Σ|w·x| + |b|)
 *
 * (N. Higham: Accuracy and Stability of Numerical Algorithms, sec. 3.1: K for the
 * products and their sum, one for the bias, one for the rounded weight). The mean
 * over h·w pixels is such a sum with δ = γ_{hw+1}·mean|x|. ReLU and max pooling
 * round nothing. What a disturbance δ of some map does to a logit z is, to first
 * order in u, its gradient: |dz| ≤ Σ |∂z/∂map|·δ over all maps and their elements.
 * (To first order: an input so close to a kink that rounding carries it across,
 * and terms in u², are left out.)
 */
import type { Config } from './config.js';
import { conv2d } from './conv2d.js';
import { depthwiseConv2d } from './depthwiseConv2d.js';
import { ParamError } from './errors.js';
import { globalAvgPool } from './globalAvgPool.js';
import { pick, type State } from './layers.js';
import { map, valuesOf, zeros, type Tensor } from './tensor.js';
import { forward, type Step } from './vanillaNet.js';

/** Unit roundoff of float32, rounding to nearest. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** γ_k = k·u/(1 − k·u): the relative error that k roundings can add up to. */
export const gamma = (k: number): number => (k * UNIT_ROUNDOFF) / (1 - k * UNIT_ROUNDOFF);

const abs = (x: Tensor): Tensor => map(x, Math.abs);

/** Taps of a kernel [k,c,kh,kw]: the length of its dot products. */
const taps = ([, c, kh, kw]: readonly number[]): number => c * kh * kw;

/**
 * δ of a single layer, given its exact input: the most by which its float32
 * output can be off, element by element.
 *
 * @throws ParamError for an op that the deploy form does not have
 */
export function layerRounding({ layer: { name, op }, x, trace: { y } }: Step, config: Config, state: State): Tensor {
  switch (op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const weight = pick(state, `${name}.weight`);
      const [w, b] = [abs(weight), abs(pick(state, `${name}.bias`))];
      const sum =
        op === 'depthwiseConv2d'
          ? depthwiseConv2d(abs(x), w, b, { padding: config.act_num })
          : conv2d(abs(x), w, b, windowOf(name, config));
      return map(sum, (v) => gamma(taps(weight.shape) + 2) * v);
    }
    case 'globalAvgPool':
      return map(globalAvgPool(abs(x)), (v) => gamma(x.shape[2] * x.shape[3] + 1) * v);
    case 'relu':
    case 'maxPool2d':
    case 'adaptiveMaxPool2d':
    case 'dropout':
      return zeros(y.shape);
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
}

/**
 * The bound for a batch, to first order in u, for weights that float32 still has
 * to round and an image that it has to round as well.
 *
 * @param config of the deploy form
 * @param x [n, in_chans, h, w]
 * @param most bound only this many logits of each image, the largest: each costs one backward pass
 */
export function float32Bound(config: Config, state: State, x: Tensor, most = Infinity): Float32Bound {
  const { logits, steps } = forward(config, state, x, { training: false });
  const [n, classes] = logits.shape;
  const roundings = steps.map((step) => layerRounding(step, config, state));
  const inputRounding = map(x, (v) => UNIT_ROUNDOFF * Math.abs(v));

  const ranked = Array.from({ length: n }, (_, i) =>
    Array.from({ length: classes }, (_, c) => c).sort((a, b) => logits.get(i, b) - logits.get(i, a)),
  );
  const bounds = map(logits, () => NaN);
  let bound = 0;
  for (let rank = 0; rank < Math.min(most, classes); rank++) {
    // One backward pass serves the logit of this rank of every image: images do not mix in eval.
    let dy = zeros([n, classes, 1, 1]);
    for (let i = 0; i < n; i++) dy.set(i, ranked[i][rank], 0, 0, 1);
    const sums = new Float64Array(n);
    for (let l = steps.length - 1; l >= 0; l--) {
      addWeighted(sums, dy, roundings[l]);
      dy = steps[l].trace.backward(dy).dx;
    }
    addWeighted(sums, dy, inputRounding);
    sums.forEach((sum, i) => {
      bounds.set(i, ranked[i][rank], sum);
      bound = Math.max(bound, sum);
    });
  }
  return { logits, bound, bounds };
}

/** sums[i] += Σ |dy|·δ over the elements of image i. */
function addWeighted(sums: Float64Array, dy: Tensor, delta: Tensor): void {
  const [g, d] = [valuesOf(dy), valuesOf(delta)];
  const perImage = g.length / sums.length;
  g.forEach((v, e) => (sums[Math.floor(e / perImage)] += Math.abs(v) * d[e]));
}
