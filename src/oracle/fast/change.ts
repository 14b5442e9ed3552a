/**
 * Bounds on what changed weights do to logits in exact arithmetic: with W + ΔW and b + Δb, and an input that is off by at
 * most e, a layer's output is off by at most
 *
 *     δ = Σ|ΔW|·(|x| + e) + |Δb|,   plus Σ|W|·e
 *
 * The kinks of ReLU and max pooling, and the chain of the layers, are those of reference/deviation.ts and float32Bound.ts.
 */
import type { Layer } from '../../core/network.js';
import type { StateDict, Tensor } from '../../core/tensor.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import type { ErrorSource } from './bound.js';
import { conv2d, depthwiseConv2d } from './convolution.js';
import { deviation, type Deviation } from './deviation.js';
import { tensorOf, valuesOf } from './forward.js';
import { combined, emptyMap, globalAvgPool, mapped, type FeatureMap } from './map.js';
import type { Steps } from './multiply.js';

const add = (a: number, b: number): number => a + b;

const absolute = (values: ArrayLike<number>): Float64Array => Float64Array.from(values, Math.abs);

/** |a − b| of each value. */
export const changeOf = (a: StateDict, b: StateDict): StateDict =>
  new Map(
    [...a].map(([name, { data, shape }]): [string, Tensor] => {
      const other = valuesOf(b, name);
      return [name, { shape, data: Float64Array.from(data, (value, i) => Math.abs(value - other[i])) }];
    }),
  );

function* changeOfSum(
  kernels: Float64Kernels,
  layer: Extract<Layer, { readonly op: 'conv2d' | 'depthwiseConv2d' }>,
  [state, change]: readonly [StateDict, StateDict],
  x: FeatureMap,
  e: FeatureMap | null,
): Steps<Deviation> {
  const { name } = layer;
  const magnitude = mapped(x, Math.abs);
  const reach = e === null ? magnitude : combined(magnitude, e, add);
  const over = (map: FeatureMap, weights: StateDict, bias: Float64Array | null): Steps<FeatureMap> =>
    layer.op === 'conv2d'
      ? conv2d(kernels, map, tensorOf(weights, `${name}.weight`), bias, layer, true)
      : depthwiseConv2d(kernels, map, absolute(valuesOf(weights, `${name}.weight`)), bias, layer.padding);
  const local = yield* over(reach, change, absolute(valuesOf(change, `${name}.bias`)));
  return { local, total: e === null ? local : combined(local, yield* over(e, state, null), add) };
}

/** Errors of weights of the deploy form that are changed by at most `change`, in exact arithmetic. */
export const changedWeights = (change: StateDict): ErrorSource => ({
  inputError: ({ shape }) => emptyMap(shape),
  *deviation(kernels, layer, state, x, e, pooled) {
    if (layer.op === 'conv2d' || layer.op === 'depthwiseConv2d') {
      return yield* changeOfSum(kernels, layer, [state, change], x, e);
    }
    if (layer.op !== 'globalAvgPool') return yield* deviation(kernels, layer, state, x, e, pooled);
    const total = globalAvgPool(e ?? emptyMap(x.shape));
    return { local: emptyMap(total.shape), total };
  },
});
