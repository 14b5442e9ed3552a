import { ParamError } from '../../core/errors.js';
import type { FloatArray } from '../../core/tensor.js';
import { normalizationTables } from '../../image/normalize.js';
import type { ImageSet } from './dataset.js';

export interface BatchOptions {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default 'float32'; the reference takes 'float64'. */
  readonly dtype?: 'float32' | 'float64';
}

/**
 * Normalizes the images at the given positions: x = (pixel/255 − mean)/std, shape [positions.length, c, h, w].
 *
 * @throws ParamError for a position outside the set, or if mean and std do not have one value for each channel
 */
export function batchOf(
  set: ImageSet,
  positions: ArrayLike<number>,
  options: BatchOptions & { readonly dtype?: 'float32' },
): Float32Array;
export function batchOf(set: ImageSet, positions: ArrayLike<number>, options: BatchOptions): FloatArray;
export function batchOf(set: ImageSet, positions: ArrayLike<number>, options: BatchOptions): FloatArray {
  const { mean, std, dtype = 'float32' } = options;
  const byChannel = normalizationTables(set.channels, mean, std);
  const area = set.height * set.width;
  const size = set.channels * area;
  for (let k = 0; k < positions.length; k++) {
    if (!Number.isInteger(positions[k]) || positions[k] < 0 || positions[k] >= set.n) {
      throw new ParamError({ op: 'batchOf', expected: `positions from 0 to ${set.n - 1}`, got: `${positions[k]}` });
    }
  }
  const length = positions.length * size;
  const out = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
  for (let k = 0; k < positions.length; k++) {
    const from = positions[k] * size;
    for (let i = 0; i < size; i++) out[k * size + i] = byChannel[Math.floor(i / area)][set.images[from + i]];
  }
  return out;
}
