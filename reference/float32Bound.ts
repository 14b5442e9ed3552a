/**
 * How far a float32 run of the deploy form can be from the float64 one, told
 * before it runs: a bound, not an estimate.
 *
 * **The chain.** Every layer's deviation is the tangent map of what came in, plus a
 * local δ (deviation.ts). Tangent maps are what backward transposes, so that exactly
 *
 *     |z̃ − z| ≤ Σ over all layers and elements of |∂z/∂y| · δ
 *
 * for every logit z. The e that the δ need is carried forward worst case upon worst
 * case, e' = |tangent|·e + δ, and grows some tenfold with every stage. For a deep
 * network the bound is still true, and says nothing. The same sum with e = 0 is the
 * bound to first order and away from kinks: not certain, but within some hundred
 * times of what float32 does at any depth. Both are reported.
 */
import type { Config } from './config.js';
import { deviation, SMALLEST_FLOAT32, UNIT_ROUNDOFF } from './deviation.js';
import { ParamError } from './errors.js';
import type { State } from './layers.js';
import { full, map, valuesOf, zeros, type Tensor } from './tensor.js';
import { forward, type Step } from './vanillaNet.js';

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
  if (config.form !== 'deploy') throw new ParamError('float32Bound', 'the deploy form', 'the train form');
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
