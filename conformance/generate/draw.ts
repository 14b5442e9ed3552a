/** Inputs of the cases. All are numbers of float32, so that every port computes with the same. */
import { uniform } from '../../reference/index.js';
import { sizeOf, type Tensor } from '../../src/core/tensor.js';

export const fill = (shape: readonly number[], value: (i: number) => number): Tensor => ({
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
  shape,
});

/** Uniform in [low, high). */
export const draw = (shape: readonly number[], seed: number, low = -1, high = 1): Tensor =>
  fill(shape, (i) => low + (high - low) * uniform(seed, 0, i));

/** Shuffled values, evenly spaced over (−2, 2): none is near zero or near another, so that rounding crosses no kink. */
export function drawDistinct(shape: readonly number[], seed: number): Tensor {
  const size = sizeOf(shape);
  const order = Array.from({ length: size }, (_, i) => i);
  order.sort((a, b) => uniform(seed, 1, a) - uniform(seed, 1, b));
  return fill(shape, (i) => (4 * (order[i] + 0.5)) / (2 * Math.ceil(size / 2)) - 2);
}
