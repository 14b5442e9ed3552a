import { checkOneOf } from '../core/check.js';
import { INTERPOLATIONS, type Interpolation } from '../core/config.js';
import type { Size } from '../core/shapes.js';
import { cut, type Window } from './crop.js';
import { KERNELS } from './kernels.js';
import { channelsOf, checkPixels, checkSize, type PixelImage, type RgbImage } from './pixelImage.js';
import { PRECISION, tapsOf, type Taps } from './taps.js';

/** Half of the last bit after the shift, added to round to the nearest. */
const HALF = 1 << (PRECISION - 1);

/** An image of clamped bytes: with the negative weights of bicubic, sums can leave 0..255. */
const imageOf = (data: Uint8ClampedArray, width: number, height: number): RgbImage => ({
  data: new Uint8Array(data.buffer),
  width,
  height,
});

// One call per row: engines optimize functions that are called often, so even the first image is fast.

/** Resizes the row that begins at index `begin` of the source. */
function scaleRow(
  source: PixelImage['data'],
  begin: number,
  channels: number,
  { first, count, weights, stride }: Taps,
  row: Uint8ClampedArray,
): void {
  for (let x = 0; x < first.length; x++) {
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    let from = begin + channels * first[x];
    const end = x * stride + count[x];
    for (let k = x * stride; k < end; k++) {
      // Sums fit into 32 bits; with integer operations this loop is a quarter faster.
      const weight = weights[k];
      red = (red + Math.imul(weight, source[from])) | 0;
      green = (green + Math.imul(weight, source[from + 1])) | 0;
      blue = (blue + Math.imul(weight, source[from + 2])) | 0;
      from += channels;
    }
    row[3 * x] = red >> PRECISION;
    row[3 * x + 1] = green >> PRECISION;
    row[3 * x + 2] = blue >> PRECISION;
  }
}

/** Resizes `height` rows from `top` on horizontally, without alpha. */
function scaleRows(image: PixelImage, channels: number, top: number, height: number, taps: Taps): RgbImage {
  const width = taps.first.length;
  const data = new Uint8ClampedArray(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(3 * width * y, 3 * width * (y + 1));
    scaleRow(image.data, channels * (top + y) * image.width, channels, taps, row);
  }
  return imageOf(data, width, height);
}

/** Adds the row that begins at index `begin` of the source, times a weight. */
function addRow(sums: Int32Array, source: Uint8Array, begin: number, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] += weight * source[begin + i];
}

/** Resizes an image vertically. `top` is the row of the source with which it begins. */
function scaleColumns({ data: source, width }: RgbImage, top: number, taps: Taps): RgbImage {
  const { first, count, weights, stride } = taps;
  const height = first.length;
  const length = 3 * width;
  const data = new Uint8ClampedArray(length * height);
  // In the order of memory; each weight applies to a whole row.
  const sums = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]; k++) addRow(sums, source, (first[y] + k - top) * length, weights[y * stride + k]);
    for (let i = 0; i < length; i++) data[y * length + i] = sums[i] >> PRECISION;
  }
  return imageOf(data, width, height);
}

/**
 * A window of the result of `resize`; only this part is computed.
 *
 * @param window within the resized image
 */
export function resizePart(image: PixelImage, size: Size, interpolation: Interpolation, window: Window): RgbImage {
  const channels = channelsOf('resize', image);
  checkSize(size);
  checkOneOf('interpolation', interpolation, INTERPOLATIONS);
  const [height, width] = size;
  checkPixels('size', window.height, window.width);
  const kernel = KERNELS[interpolation];
  const columns = height === image.height ? null : tapsOf(kernel, image.height, height, window.top, window.height);
  const rows = width === image.width ? null : tapsOf(kernel, image.width, width, window.left, window.width);

  // Only the rows that the vertical pass needs.
  const last = window.height - 1;
  const top = columns === null ? window.top : columns.first[0];
  const bottom = columns === null ? top + window.height : columns.first[last] + columns.count[last];
  // Of a high image, all rows may be needed.
  if (rows !== null) checkPixels('size', bottom - top, window.width);
  const wide =
    rows === null
      ? cut(image, { top, left: window.left, height: bottom - top, width: window.width })
      : scaleRows(image, channels, top, bottom - top, rows);
  return columns === null ? wide : scaleColumns(wide, top, columns);
}

/**
 * Resizes an image, each side by its own factor; alpha is dropped.
 *
 * When downscaling, the kernel is widened to cover all source pixels (antialiasing). The horizontal pass precedes
 * the vertical one; weights have 22 fractional bits, and each pass rounds and clips to 8 bits. The result has the
 * bytes of Pillow's `Image.resize` for RGB images up to Pillow 12.2. Later versions begin with the vertical pass for
 * some high images, which changes some values by 1.
 *
 * @param size [height, width] of the result
 * @throws DataError, ShapeError for an invalid image
 * @throws ParamError for an invalid size or interpolation
 */
export function resize(image: PixelImage, size: Size, interpolation: Interpolation = 'bicubic'): RgbImage {
  checkSize(size);
  return resizePart(image, size, interpolation, { top: 0, left: 0, height: size[0], width: size[1] });
}
