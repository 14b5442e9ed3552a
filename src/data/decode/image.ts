import type { Sharp } from 'sharp';
import { checkBoolean, checkNumber, checkOptions, tagOf } from '../../core/check.js';
import { checkBytes } from '../../core/checkState.js';
import { DataError, ParamError } from '../../core/errors.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { checkImage, MAX_PIXELS } from '../../image/checkImage.js';
import type { Orientation } from '../../image/info/types.js';
import { checkPath } from '../checkPath.js';
import { checkHead } from './imageHead.js';
import { loadSharp } from './loadSharp.js';
import { MAX_DECODED_PIXELS, PixelBudget } from './pixelBudget.js';

export interface DecodeImageOptions {
  /** Larger images are refused by their header. Infinity for no limit. Default 178 956 970, as Pillow. */
  readonly maxPixels?: number;
  /** Whether the picture is turned upright by its EXIF orientation. Default true. */
  readonly exifOrientation?: boolean;
}

function resolveOptions(options: DecodeImageOptions): Required<DecodeImageOptions> {
  const { maxPixels = MAX_PIXELS, exifOrientation = true } = checkOptions(options, ['maxPixels', 'exifOrientation']);
  return {
    maxPixels: checkNumber('maxPixels', maxPixels, { min: 1, max: Infinity }),
    exifOrientation: checkBoolean('exifOrientation', exifOrientation),
  };
}

const budget = new PixelBudget(MAX_DECODED_PIXELS);

/**
 * How sharp brings an image of each orientation upright; it mirrors before it rotates. Its `autoOrient` would also follow
 * orientations that Pillow ignores, those of type BYTE.
 */
const UPRIGHT: Readonly<Record<Orientation, (image: Sharp) => Sharp>> = {
  1: (image) => image,
  2: (image) => image.flop(),
  3: (image) => image.rotate(180),
  4: (image) => image.flip(),
  5: (image) => image.flip().rotate(90),
  6: (image) => image.rotate(90),
  7: (image) => image.flop().rotate(90),
  8: (image) => image.rotate(270),
};

/**
 * Decodes a PNG, JPEG or WebP image to 8-bit RGB, to the same pixels as Pillow's `convert('RGB')` after
 * `ImageOps.exif_transpose`: the EXIF orientation is applied (unless `exifOrientation` is false), color profiles are ignored, the alpha channel is dropped, and
 * of 16 bits the upper 8 are taken. The image keeps its size: `src/image` scales it, in the same way on every runtime.
 *
 * @param name the image's name in errors
 * @throws DataError for another format, a truncated image, an image of too many pixels, an animation, CMYK, or gray of 16
 *   bits
 * @throws BackendUnavailableError if sharp is not installed
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  options: DecodeImageOptions = {},
): Promise<RgbImage> {
  const { maxPixels, exifOrientation } = resolveOptions(options);
  const { orientation, ...stored } = checkImage(bytes, name, maxPixels);
  const sharp = await loadSharp(name);
  const limitInputPixels = Number.isFinite(maxPixels) && Math.floor(maxPixels);
  // 'error' accepts the harmless defects of real photographs, and nothing that costs pixels.
  const image = sharp(bytes, { failOn: 'error', ignoreIcc: true, limitInputPixels });
  const upright = UPRIGHT[exifOrientation ? orientation : 1](image).removeAlpha().toColorspace('srgb');
  try {
    const { data, info } = await budget.run(stored.width * stored.height, () =>
      upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
    );
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    const hint = 'Download or copy the file again, or repair it, for example: magick in.jpg out.png.';
    throw new DataError({ op: name, expected: 'a whole image', got: reasonOf(cause).split('\n')[0], hint }, { cause });
  }
}

/**
 * Reads and decodes an image file, or decodes its bytes.
 *
 * @param source a path, a `file:` URL, or the bytes of a file
 * @throws DataError with the path if the file is missing, is a pipe or a device, or for what `decodeImage` refuses;
 *   ParamError for another source
 * @throws BackendUnavailableError if sharp is not installed
 */
export async function readImage(
  source: string | URL | Uint8Array,
  options: DecodeImageOptions = {},
): Promise<RgbImage> {
  // Before the file is read.
  resolveOptions(options);
  const value: unknown = source;
  if (typeof value === 'string' || value instanceof URL) {
    const path = checkPath('readImage', value);
    const bytes = await readBytes(path, DataError, {
      checkHead: (head) => {
        checkHead(head, path);
      },
    });
    return decodeImage(bytes, path, options);
  }
  // An array of another realm is no instance of this realm's Uint8Array.
  if (ArrayBuffer.isView(value) && tagOf(value) === 'Uint8Array') {
    checkBytes('readImage', value);
    return decodeImage(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), 'readImage', options);
  }
  const expected = 'a path, a file: URL or a Uint8Array with an image file';
  throw new ParamError({ op: 'readImage', expected, got: tagOf(value) });
}
