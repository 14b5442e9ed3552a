import type { Layer } from '../../core/network.js';
import { unreachable } from '../../core/unreachable.js';
import type { FloatArray, StateDict, Tensor } from '../../core/tensor.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { conv2d, depthwiseConv2d } from './convolution.js';
import { batchNorm, globalAvgPool, maxima, relu, type FeatureMap } from './map.js';
import type { Steps } from './multiply.js';

/** A tensor of a state that was checked. */
export function tensorOf(state: StateDict, name: string): Tensor {
  const tensor = state.get(name);
  if (tensor === undefined) throw new Error(`The state has no ${name}.`);
  return tensor;
}

export const valuesOf = (state: StateDict, name: string): FloatArray => tensorOf(state, name).data;

/**
 * The output of a layer in evaluation mode, with λ = 1.
 *
 * @param state checked
 */
export function* runLayer(kernels: Float64Kernels, layer: Layer, state: StateDict, x: FeatureMap): Steps<FeatureMap> {
  const { name } = layer;
  switch (layer.op) {
    case 'conv2d':
      return yield* conv2d(kernels, x, tensorOf(state, `${name}.weight`), valuesOf(state, `${name}.bias`), layer);
    case 'depthwiseConv2d': {
      const bias = layer.bias ? valuesOf(state, `${name}.bias`) : null;
      return yield* depthwiseConv2d(kernels, x, valuesOf(state, `${name}.weight`), bias, layer.padding);
    }
    case 'batchNorm': {
      const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
        valuesOf(state, `${name}.${part}`),
      );
      return batchNorm(x, [weight, bias, mean, variance]);
    }
    case 'leakyRelu':
      // The other slope is λ = 1, the identity.
      return layer.lambda === 0 ? relu(x) : x;
    case 'maxPool2d':
    case 'adaptiveMaxPool2d':
      return maxima(x, layer).y;
    case 'globalAvgPool':
      return globalAvgPool(x);
    case 'dropout':
      return x;
    default:
      return unreachable(layer);
  }
}

/** The logits [n, num_classes] of the train form with λ = 1. @param state checked */
export function* runNetwork(
  kernels: Float64Kernels,
  layers: readonly Layer[],
  state: StateDict,
  x: FeatureMap,
): Steps<Float64Array> {
  let map = x;
  for (const layer of layers) map = yield* runLayer(kernels, layer, state, map);
  return map.data;
}
