import { show } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { isGrayscale, luma } from './luma.js';
import { channelsOf, type PixelImage } from './pixelImage.js';

type Numbers = readonly number[];

/** @throws ParamError */
function checkLists(mean: Numbers, std: Numbers): void {
  // A caller without types may pass anything.
  for (const list of [mean, std] as readonly unknown[]) {
    if (Array.isArray(list)) continue;
    throw new ParamError({ op: 'normalize', expected: 'lists of means and deviations', got: show(list) });
  }
}

/**
 * Tables of (v/255 − mean)/std for the 256 pixel values v, one per channel.
 *
 * @throws ParamError for the wrong number of means or deviations, or invalid ones
 */
export function normalizationTables(channels: number, mean: Numbers, std: Numbers): Float64Array[] {
  const op = 'normalize';
  checkLists(mean, std);
  if (mean.length !== channels || std.length !== channels) {
    throw new ParamError({
      op,
      expected: `${channels} means and deviations, one for each channel`,
      got: `${mean.length} and ${std.length}`,
    });
  }
  if (!mean.every(Number.isFinite) || !std.every((s) => Number.isFinite(s) && s > 0)) {
    throw new ParamError({
      op,
      expected: 'finite means and deviations > 0',
      got: `${show(mean)} and ${show(std)}`,
    });
  }
  return mean.map((m, c) => {
    const table = Float64Array.from({ length: 256 }, (_, v) => (v / 255 - m) / std[c]);
    // The first and the last value have the largest magnitudes.
    if ([table[0], table[255]].every((value) => Number.isFinite(Math.fround(value)))) return table;
    const got = `mean ${m} and deviation ${std[c]}`;
    throw new ParamError({ op, expected: 'values of pixels that are finite in float32', got });
  });
}

/**
 * (v/255 − mean)/std: an image [h, w, 3 or 4] as an input [3, h, w]; alpha is dropped. With a single mean and deviation,
 * the luma of the image as an input [1, h, w].
 *
 * @param mean of each channel of the input, of pixel values in [0, 1]
 * @param std standard deviation of each channel of the input, of pixel values in [0, 1]
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid mean or std
 */
export function normalize(image: PixelImage, mean: Numbers, std: Numbers): Float32Array {
  const channels = channelsOf('normalize', image);
  checkLists(mean, std);
  const { data, width, height } = image;
  const area = width * height;
  if (isGrayscale(3, mean, std)) {
    const [table] = normalizationTables(1, mean, std);
    return Float32Array.from({ length: area }, (_, i) => {
      const at = channels * i;
      return table[luma(data[at], data[at + 1], data[at + 2])];
    });
  }
  const out = new Float32Array(3 * area);
  normalizationTables(3, mean, std).forEach((table, c) => {
    for (let i = 0; i < area; i++) out[c * area + i] = table[data[channels * i + c]];
  });
  return out;
}
