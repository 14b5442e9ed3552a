import { ParamError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';
import type { ImageSet } from './dataset.js';
import type { Image } from './image.js';

type Numbers = readonly number[];

/**
 * What each of the 256 pixel values becomes in each channel: (v/255 − mean) / std.
 */
function tables(channels: number, mean: Numbers, std: Numbers): Float64Array[] {
  if (mean.length !== channels || std.length !== channels) {
    throw new ParamError({
      op: 'normalise',
      expected: `${channels} means and deviations, one for each channel`,
      got: `${mean.length} and ${std.length}`,
    });
  }
  return mean.map((m, c) => Float64Array.from({ length: 256 }, (_, v) => (v / 255 - m) / std[c]));
}

/** An RGB image [h, w, 3] as the network's input [3, h, w]. */
export function normalise({ data, width, height }: Image, mean: Numbers, std: Numbers): Float32Array {
  const area = width * height;
  const out = new Float32Array(3 * area);
  tables(3, mean, std).forEach((table, c) => {
    for (let i = 0; i < area; i++) out[c * area + i] = table[data[3 * i + c]];
  });
  return out;
}

export interface BatchOptions {
  readonly mean: Numbers;
  readonly std: Numbers;
  /** float32 where it is not given; the reference wants float64. */
  readonly dtype?: 'float32' | 'float64';
}

/**
 * The images at the given positions as the network's input [positions.length, c, h, w].
 *
 * @throws ParamError for a position outside the set, or means of another number of channels.
 */
export function batchOf(set: ImageSet, positions: ArrayLike<number>, options: BatchOptions): FloatArray {
  const { mean, std, dtype = 'float32' } = options;
  const byChannel = tables(set.channels, mean, std);
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
