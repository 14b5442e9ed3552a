import { checkKeys, checkObject, checkOneOf } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import type { FloatArray } from '../../core/tensor.js';
import { isGrayscale, lumaPlane } from '../../image/luma.js';
import { normalizationTables } from '../../image/normalize.js';
import { checkNumbers, checkPositions, checkSet } from './checkSet.js';
import type { ImageSet } from './dataset.js';

/** 2 GiB of float32. */
const MAX_LENGTH = 2 ** 29;

export interface BatchOptions {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default 'float32'; the reference takes 'float64'. */
  readonly dtype?: 'float32' | 'float64';
}

/**
 * Normalizes the images at the given positions: x = (pixel/255 − mean)/std, shape [positions.length, c, h, w]. With a
 * single mean and deviation, images of 3 channels are converted to grayscale first, and c is 1.
 *
 * @throws ParamError for a position outside the set, more than 2^29 values, an invalid option, or if mean and std do not
 *   have one value for each channel; DataError for an inconsistent set
 */
export function batchOf(
  set: ImageSet,
  positions: ArrayLike<number>,
  options: BatchOptions & { readonly dtype?: 'float32' },
): Float32Array;
export function batchOf(set: ImageSet, positions: ArrayLike<number>, options: BatchOptions): FloatArray;
export function batchOf(set: ImageSet, positions: ArrayLike<number>, options: BatchOptions): FloatArray {
  checkSet('batchOf', set);
  checkKeys(checkObject('batchOf', options), ['mean', 'std', 'dtype'], (key) => key);
  const dtype = checkOneOf('dtype', options.dtype ?? 'float32', ['float32', 'float64']);
  const [mean, std] = [checkNumbers('mean', options.mean), checkNumbers('std', options.std)];
  const isGray = isGrayscale(set.channels, mean, std);
  const channels = isGray ? 1 : set.channels;
  const byChannel = normalizationTables(channels, mean, std);
  const order = checkPositions('batchOf', positions, set.n);
  const area = set.height * set.width;
  const [size, imageSize] = [channels * area, set.channels * area];
  const length = order.length * size;
  if (length > MAX_LENGTH) {
    const hint = 'Take fewer images at a time.';
    throw new ParamError({ op: 'batchOf', expected: `at most ${MAX_LENGTH} values`, got: `${length}`, hint });
  }
  const out = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
  for (let k = 0; k < order.length; k++) {
    const image = set.images.subarray(order[k] * imageSize, (order[k] + 1) * imageSize);
    const pixels = isGray ? lumaPlane(image, area) : image;
    for (let i = 0; i < size; i++) out[k * size + i] = byChannel[Math.floor(i / area)][pixels[i]];
  }
  return out;
}
