import { tensor, uniform, type Tensor } from '../../reference/index.js';
import { sizeOf } from '../../reference/tensor.js';

/** Uniform values in [−1, 1). */
export const draw = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => 2 * uniform(seed, 0, i) - 1),
    shape,
  );

/**
 * Shuffled values, evenly spaced over (−2, 2): no two are closer than 4/size, and none is closer than 2/size to zero, so
 * that a small step crosses no tie and no kink.
 */
export function drawDistinct(shape: readonly number[], seed: number): Tensor {
  const size = 2 * Math.ceil(sizeOf(shape) / 2);
  const values = Array.from({ length: size }, (_, i) => (4 * (i + 0.5)) / size - 2);
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, 1, i) * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
  return tensor(values.slice(0, sizeOf(shape)), shape);
}
