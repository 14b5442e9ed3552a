/**
 * Biases whose gradient is always zero: they add the same constant to every pixel of every image, and the next batch
 * norm subtracts the mean. These are the biases of convolutions before a norm, and the biases of a norm if only layers
 * that preserve constants lie between it and the next norm: pools, a leaky ReLU with slope 1, one convolution without
 * padding.
 */
import type { ModelConfig } from '../../../src/core/config.js';
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { StateDict } from '../../../src/core/tensor.js';

interface Vanishing {
  readonly bias: string;
  /** The norm that subtracts it. */
  readonly norm: string;
  /** The convolution in between. */
  readonly conv: string | null;
}

const hasBias = (layer: Layer): boolean => layer.op === 'batchNorm' || ('bias' in layer && layer.bias);

function keepsConstants(layer: Layer, lambda: number): boolean {
  switch (layer.op) {
    case 'maxPool2d':
    case 'adaptiveMaxPool2d':
    case 'globalAvgPool':
      return true;
    case 'leakyRelu':
      return layer.name.endsWith('.leaky') && lambda === 1;
    case 'dropout':
      return layer.rate === 0;
    case 'conv2d':
    case 'depthwiseConv2d':
      return layer.padding === 0;
    case 'batchNorm':
      return false;
  }
}

export function vanishing(config: ModelConfig, lambda: number): readonly Vanishing[] {
  const plan = planNetwork(config, config.input_size);
  return plan.flatMap((layer, i) => {
    if (!hasBias(layer)) return [];
    let conv: string | null = null;
    for (const next of plan.slice(i + 1)) {
      if (next.op === 'batchNorm') return [{ bias: `${layer.name}.bias`, norm: next.name, conv }];
      if (!keepsConstants(next, lambda)) return [];
      if ('weight' in next) {
        if (conv !== null) return [];
        conv = next.name;
      }
    }
    return [];
  });
}

/** The contribution of these biases to the means of their norms, by the names of the norms. */
export function shifts(all: readonly Vanishing[], state: StateDict): Map<string, Float64Array> {
  const byNorm = new Map<string, Float64Array>();
  const get = (name: string): ArrayLike<number> => state.get(name)?.data ?? [];
  for (const { bias, norm, conv } of all) {
    const values = get(bias);
    // Weights [k, c, kh, kw]: a constant input is multiplied by the sum of all taps.
    const weight = conv === null ? null : get(`${conv}.weight`);
    const channels = state.get(`${norm}.bias`)?.data.length ?? 0;
    const sum = byNorm.get(norm) ?? new Float64Array(channels);
    for (let k = 0; k < channels; k++) {
      if (weight === null) sum[k] += values[k];
      const perOutput = (weight?.length ?? 0) / channels;
      for (let i = 0; i < perOutput; i++) {
        sum[k] += (weight?.[k * perOutput + i] ?? 0) * values[Math.floor((i * values.length) / perOutput)];
      }
    }
    byNorm.set(norm, sum);
  }
  return byNorm;
}
