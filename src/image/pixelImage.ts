import { DataError, ParamError, ShapeError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';

/**
 * A decoded image, row by row from the top left: 8-bit red, green and blue, with or
 * without alpha behind them. Which of the two it is follows from its length. A
 * browser's `ImageData` is one, and so is what any decoder gives.
 */
export interface PixelImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A `PixelImage` of three bytes a pixel: [height, width, 3]. */
export interface RgbImage extends PixelImage {
  readonly data: Uint8Array;
}

const isSide = (side: number): boolean => Number.isSafeInteger(side) && side >= 1;

/** What an object is, across realms: a worker's or a test's Uint8Array is not an instance of ours. */
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice('[object '.length, -1);

/**
 * Bytes of one pixel, of an image that is one.
 *
 * @param op how errors call the caller.
 * @throws DataError where the pixels are not bytes, ShapeError where sides and length do not fit.
 */
export function channelsOf(op: string, { data, width, height }: PixelImage): 3 | 4 {
  const type = tagOf(data);
  if (type !== 'Uint8Array' && type !== 'Uint8ClampedArray') {
    throw new DataError({ op, expected: 'pixels in a Uint8Array or Uint8ClampedArray', got: type });
  }
  if (!isSide(width) || !isSide(height)) {
    throw new ShapeError({ op, expected: 'width and height integers >= 1', got: `${width} and ${height}` });
  }
  const pixels = width * height;
  if (data.length === 3 * pixels) return 3;
  if (data.length === 4 * pixels) return 4;
  throw new ShapeError({
    op,
    expected: `${3 * pixels} bytes (RGB) or ${4 * pixels} (RGBA) for ${width} x ${height} pixels`,
    got: `${data.length} bytes`,
  });
}

/** @throws ParamError for a size that no image has. */
export function checkSize(size: Size): void {
  // A caller without types may pass anything.
  const given: unknown = size;
  if (!Array.isArray(given) || given.length !== 2 || !given.every(isSide)) {
    const got = Array.isArray(given) ? `[${given.join(', ')}]` : String(given);
    throw new ParamError({ op: 'size', expected: '[height, width], integers >= 1', got });
  }
}
