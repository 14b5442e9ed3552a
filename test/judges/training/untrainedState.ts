import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { drawState } from '../../wasm/networks.js';
import { vanishing } from './vanishing.js';

/**
 * Random weights with initial running statistics, whose gradients are larger than rounding errors: Adam would divide a
 * smaller gradient by its own error. The norms keep every channel active, because weights after a constant channel have no
 * gradient; biases without gradient are far from zero, also after weight decay.
 */
export function untrainedState(config: ModelConfig): StateDict {
  const convolutions = vanishing(config, 0).filter(({ conv }) => conv === null);
  const far = new Set(convolutions.map(({ bias }) => bias));
  const state = [...drawState(config)].map(([name, { data, shape }]) => {
    if (name.endsWith('.num_batches_tracked')) return [name, { shape, data: Float64Array.of(0) }] as const;
    if (name.endsWith('.weight') && shape.length === 1)
      return [name, { shape, data: data.map((v) => 1 + v / 2) }] as const;
    return [name, { shape, data: far.has(name) ? data.map((v) => (v + Math.sign(v)) / 2) : data }] as const;
  });
  return new Map(state);
}
