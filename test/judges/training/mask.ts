/** Dropout masks. */
import { dropoutMask, valuesOf } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { Tensor } from '../../../src/core/tensor.js';

/** First random stream of the masks; each step has its own stream. */
const STREAM = 2 ** 31;

/** A mask of 0 and 1/(1 − rate), in float64; null without dropout. */
export function maskFor({ dims, drop_rate }: ModelConfig, n: number, seed: number, step: number): Tensor | null {
  if (drop_rate === 0) return null;
  const shape = [n, dims[dims.length - 1], 1, 1];
  const scaled = valuesOf(dropoutMask(shape, drop_rate, seed, STREAM + step));
  return { data: scaled.map((v) => v / (1 - drop_rate)), shape };
}
