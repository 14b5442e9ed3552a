/** What dropout multiplies by. */
import { dropoutMask, valuesOf } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { Tensor } from '../../../src/core/tensor.js';

/** Masks are drawn from streams of their own, one a step. */
const STREAM = 2 ** 31;

/** Zeros and 1/(1 − rate), in float64; null where nothing is dropped. */
export function maskFor({ dims, drop_rate }: ModelConfig, n: number, seed: number, step: number): Tensor | null {
  if (drop_rate === 0) return null;
  const shape = [n, dims[dims.length - 1], 1, 1];
  const kept = valuesOf(dropoutMask(shape, drop_rate, seed, STREAM + step));
  return { data: kept.map((v) => v / (1 - drop_rate)), shape };
}
