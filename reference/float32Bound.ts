/**
 * Bounds on how far the logits of a float32 run of the deploy form are from those of a float64 run. They
 * are known before the float32 run, and hold for any order of summation.
 *
 * **The chain.** The error of each layer's output is the error of its input, mapped by the layer's tangent, plus
 * a local δ (deviation.ts). Backward applies the transposed tangents, and therefore
 *
 *     |z̃ − z| ≤ Σ over all layers and elements of |∂z/∂y| · δ
 *
 * for every logit z. δ depends on the error e of the layer's input, which is propagated forward as
 * e' = |tangent|·e + δ. This worst case grows about tenfold with every stage: for a deep network the bound is true,
 * but larger than the logits. The same sum with e = 0 is the bound to first order and away from kinks. It is not
 * certain, but at any depth it is within some hundred times the error of a float32 run. Both are reported.
 */
import { checkConfig, type Config } from './config.js';
import { deviation, SMALLEST_FLOAT32, UNIT_ROUNDOFF } from './deviation.js';
import { ParamError } from './errors.js';
import type { State } from './layers.js';
import { full, map, valuesOf, zeros, type Tensor } from './tensor.js';
import { forward, type Step } from './vanillaNet.js';
import { show } from './require.js';

export interface Float32Bound {
  /** Logits of the network in float64 [n, num_classes]. */
  readonly logits: Tensor;
  /** The largest of `bounds`. */
  readonly bound: number;
  /** The bound for each logit [n, num_classes]; NaN for logits without a bound. */
  readonly bounds: Tensor;
  /** The same, to first order and away from kinks [n, num_classes]. */
  readonly firstOrder: Tensor;
}

/**
 * Computes the bounds for a batch. They include the rounding of the weights and the images to float32.
 *
 * @param config of the deploy form
 * @param x [n, in_chans, h, w]
 * @param most number of logits to bound for each image, the largest ones; each costs one backward pass
 * @throws ParamError, ShapeError, WeightsError
 */
export function float32Bound(config: Config, state: State, x: Tensor, most = Infinity): Float32Bound {
  checkConfig(config);
  if (!(typeof most === 'number' && most >= 1)) {
    throw new ParamError('float32Bound', 'at least one logit of each image', show(most));
  }
  if (config.form !== 'deploy')
    throw new ParamError('float32Bound', 'the deploy form', 'the train form', 'Call fuse first.');
  const { logits, steps } = forward(config, state, x, { training: false });
  const [n, classes] = logits.shape;
  const inputRounding = map(x, (v) => UNIT_ROUNDOFF * Math.abs(v) + SMALLEST_FLOAT32);
  let e = inputRounding;
  const nothing = (step: Step): Tensor => zeros(step.x.shape);
  const exactInputs = steps.map((step) => deviation(step, nothing(step), config, state).local);
  const locals = steps.map((step) => {
    const { local, total } = deviation(step, e, config, state);
    e = total;
    return local;
  });
  // The propagated worst case is a bound too, and the smaller one for very shallow networks.
  const worst = e;

  const ranked = Array.from({ length: n }, (_, i) =>
    Array.from({ length: classes }, (_class, c) => c).sort((a, b) => logits.get(i, b) - logits.get(i, a)),
  );
  const [bounds, firstOrder] = [full(logits.shape, NaN), full(logits.shape, NaN)];
  let bound = 0;
  for (let rank = 0; rank < Math.min(most, classes); rank++) {
    // One backward pass gives the logit of this rank for every image, as images are independent in evaluation.
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

/** Adds Σ |dy|·δ over the elements of image i to sums[i]. */
function addWeighted(sums: Float64Array, dy: Tensor, delta: Tensor): void {
  const [g, d] = [valuesOf(dy), valuesOf(delta)];
  const perImage = g.length / sums.length;
  // 0 · ∞ would be NaN: an infinite δ does not count where the gradient is 0.
  g.forEach((v, i) => (sums[Math.floor(i / perImage)] += v === 0 ? 0 : Math.abs(v) * d[i]));
}
