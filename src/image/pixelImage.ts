import { isInteger, isRecord, show, tagOf } from '../core/check.js';
import { DataError, ParamError, ShapeError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';

/**
 * A decoded image: rows of 8-bit RGB or RGBA pixels from the top left. The length shows which of the two it is. A
 * browser's `ImageData` is a PixelImage.
 */
export interface PixelImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A `PixelImage` without alpha: [height, width, 3]. */
export interface RgbImage extends PixelImage {
  readonly data: Uint8Array;
}

const isSide = (side: unknown): boolean => isInteger(side, { min: 1 });

/**
 * Checks an image. @returns the number of bytes per pixel
 *
 * @param op the name of the caller in errors
 * @throws DataError if the pixels are not bytes; ShapeError if the length does not fit width and height
 */
export function channelsOf(op: string, image: PixelImage): 3 | 4 {
  // A caller without types may pass anything.
  const value: unknown = image;
  if (!isRecord(value)) {
    throw new DataError({ op, expected: 'an image with data, width and height', got: show(value) });
  }
  const { data, width, height } = image;
  const type = tagOf(data);
  if (type !== 'Uint8Array' && type !== 'Uint8ClampedArray') {
    const hint = type === 'Float32Array' ? 'Multiply values in [0, 1] by 255, and round them.' : undefined;
    throw new DataError({ op, expected: 'pixels in a Uint8Array or Uint8ClampedArray', got: type, hint });
  }
  if (!isSide(width) || !isSide(height)) {
    throw new ShapeError({ op, expected: 'width and height integers >= 1', got: `${show(width)} and ${show(height)}` });
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

/** The most pixels of a result: 8192 x 8192, which take 192 MiB. */
const MAX_PIXELS = 2 ** 26;

/** @throws ParamError for a result of more pixels than can be computed in a second or two */
export function checkPixels(op: string, height: number, width: number): void {
  if (height * width <= MAX_PIXELS) return;
  throw new ParamError({ op, expected: `at most ${MAX_PIXELS} pixels`, got: `${height} x ${width}` });
}

/** @throws ParamError unless the size is [height, width] in pixels */
export function checkSize(size: Size): void {
  // A caller without types may pass anything.
  const value: unknown = size;
  if (Array.isArray(value) && value.length === 2 && value.every(isSide)) return;
  throw new ParamError({ op: 'size', expected: '[height, width], integers >= 1', got: show(value) });
}
