/** Bounds on the error that one layer of the deploy form adds: `deviation` of the reference, which derives them. */
import { gamma, SMALLEST_FLOAT32, TO_NEAREST } from '../../../reference/index.js';
import type { Layer } from '../../core/network.js';
import { unreachable } from '../../core/unreachable.js';
import type { StateDict } from '../../core/tensor.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { conv2d, depthwiseConv2d, sumOfPatches } from './convolution.js';
import { tensorOf, valuesOf } from './forward.js';
import { combined, emptyMap, globalAvgPool, mapped, maxima, type FeatureMap, type Maxima } from './map.js';
import type { Steps } from './multiply.js';

/** δ, and the error of the input that is propagated plus δ: see `Deviation` of the reference. */
export interface Deviation {
  readonly local: FeatureMap;
  readonly total: FeatureMap;
}

const add = (a: number, b: number): number => a + b;

/** δ of sums of products, from Σ|w|·reach + |b| and from Σ reach, which may be the same for all channels. */
function localOfSum(rounding: FeatureMap, underflow: FeatureMap, taps: number): FeatureMap {
  const share = gamma(taps + 2);
  const [, c, h, w] = rounding.shape;
  const isShared = underflow.shape[1] === 1;
  const local = emptyMap(rounding.shape);
  for (let plane = 0, i = 0; i < local.data.length; plane++) {
    const first = (isShared ? Math.floor(plane / c) : plane) * h * w;
    for (let pixel = 0; pixel < h * w; pixel++, i++) {
      local.data[i] = share * rounding.data[i] + SMALLEST_FLOAT32 * (underflow.data[first + pixel] + taps + 1);
    }
  }
  return local;
}

const absolute = (values: ArrayLike<number>): Float64Array => Float64Array.from(values, Math.abs);

/** @param e null for an exact input, which has no error to propagate */
function* deviationOfSum(
  kernels: Float64Kernels,
  layer: Extract<Layer, { readonly op: 'conv2d' | 'depthwiseConv2d' }>,
  state: StateDict,
  x: FeatureMap,
  e: FeatureMap | null,
): Steps<Deviation> {
  const weight = tensorOf(state, `${layer.name}.weight`);
  const bias = valuesOf(state, `${layer.name}.bias`);
  const taps = weight.data.length / weight.shape[0];
  const magnitude = mapped(x, Math.abs);
  const reach = e === null ? magnitude : combined(magnitude, e, add);
  if (layer.op === 'conv2d') {
    const rounding = yield* conv2d(kernels, reach, weight, bias, layer, true);
    const local = localOfSum(rounding, sumOfPatches(reach, weight.shape, layer), taps);
    if (e === null) return { local, total: local };
    return { local, total: combined(local, yield* conv2d(kernels, e, weight, null, layer, true), add) };
  }
  const [w, b] = [absolute(weight.data), absolute(bias)];
  const over = (map: FeatureMap, kernel: Float64Array, offset: Float64Array | null): Steps<FeatureMap> =>
    depthwiseConv2d(kernels, map, kernel, offset, layer.padding);
  const rounding = yield* over(reach, w, b);
  const local = localOfSum(rounding, yield* over(reach, new Float64Array(w.length).fill(1), null), taps);
  return { local, total: e === null ? local : combined(local, yield* over(e, w, null), add) };
}

/** ReLU: a kink that the error of the input reaches. */
function deviationOfRelu(x: FeatureMap, e: FeatureMap): Deviation {
  return {
    local: combined(x, e, (v, most) => (Math.abs(v) <= most ? most : 0)),
    total: combined(x, e, (v, most) => (v < -most ? 0 * most : most)),
  };
}

/** A maximum: 2e where the runner-up is near enough to become the maximum. */
function deviationOfMax({ y, runnerUp }: Maxima, widest: FeatureMap): Deviation {
  const gap = combined(y, runnerUp, (first, second) => first - second);
  return { local: combined(gap, widest, (between, most) => (between <= 2 * most ? 2 * most : 0)), total: widest };
}

function deviationOfMean(x: FeatureMap, e: FeatureMap | null): Deviation {
  const magnitude = mapped(x, Math.abs);
  const [, , h, w] = x.shape;
  const share = gamma(h * w + TO_NEAREST.division);
  const means = globalAvgPool(e === null ? magnitude : combined(magnitude, e, add));
  const local = mapped(means, (v) => share * v + SMALLEST_FLOAT32);
  return { local, total: e === null ? local : combined(local, globalAvgPool(e), add) };
}

/**
 * Bounds δ and e' of a layer of the deploy form.
 *
 * @param state checked
 * @param x the layer's input
 * @param e bounds on the error of x; null for an exact input
 * @param pooled the maxima of x, for a pool
 */
export function* deviation(
  kernels: Float64Kernels,
  layer: Layer,
  state: StateDict,
  x: FeatureMap,
  e: FeatureMap | null,
  pooled: Maxima | null,
): Steps<Deviation> {
  switch (layer.op) {
    case 'conv2d':
    case 'depthwiseConv2d':
      return yield* deviationOfSum(kernels, layer, state, x, e);
    case 'globalAvgPool':
      return deviationOfMean(x, e);
    case 'leakyRelu':
      return deviationOfRelu(x, e ?? emptyMap(x.shape));
    case 'maxPool2d':
    case 'adaptiveMaxPool2d': {
      const own = pooled ?? maxima(x, layer);
      return deviationOfMax(own, e === null ? emptyMap(own.y.shape) : maxima(e, layer).y);
    }
    case 'dropout': {
      const none = emptyMap(x.shape);
      return { local: none, total: e ?? none };
    }
    case 'batchNorm':
      throw new Error('The deploy form has no batch normalization.');
    default:
      return unreachable(layer);
  }
}
