import sharp from 'sharp';
import { DataError, ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { readBytes, reasonOf } from '../io/readFile.js';

/** Pixels 0..255, red, green and blue interleaved: [height, width, 3]. */
export interface Image {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface ImageOptions {
  /** Height and width to scale to, the middle part cut out where the proportions differ. */
  readonly size?: Size;
}

/** @throws ParamError for a size that no image has. */
export function checkSize(size: Size): void {
  if (!size.every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new ParamError({ op: 'size', expected: '[height, width], integers >= 1', got: `[${size.join(', ')}]` });
  }
}

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** What a file's first bytes say it is. sharp reads more formats, and SVG can name other files. */
function isPhotograph(bytes: Uint8Array): boolean {
  const png = ascii(bytes.subarray(0, 8)) === '\x89PNG\r\n\x1a\n';
  const jpeg = ascii(bytes.subarray(0, 3)) === '\xff\xd8\xff';
  const webp = ascii(bytes.subarray(0, 4)) === 'RIFF' && ascii(bytes.subarray(8, 12)) === 'WEBP';
  return png || jpeg || webp;
}

/**
 * Decodes a PNG, JPEG or WebP to 8-bit sRGB: turned upright by its EXIF
 * orientation, without its alpha channel, whatever its depth and colour space.
 *
 * @param name how errors call the image.
 * @throws DataError for other bytes, a truncated image or one of too many pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string, { size }: ImageOptions = {}): Promise<Image> {
  if (!isPhotograph(bytes)) {
    const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
    throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
  }
  // 'error' lets the harmless oddities of real photographs pass, and nothing that costs pixels.
  let pipeline = sharp(bytes, { failOn: 'error' }).autoOrient().removeAlpha().toColourspace('srgb');
  if (size !== undefined) {
    checkSize(size);
    const [height, width] = size;
    pipeline = pipeline.resize({ height, width, fit: 'cover', kernel: 'cubic', fastShrinkOnLoad: false });
  }
  try {
    const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new DataError({ op: name, expected: 'a whole image', got: reasonOf(cause).split('\n')[0] }, { cause });
  }
}

/**
 * Reads an image file.
 *
 * @throws DataError naming the path, for a missing file and all that `decodeImage` refuses.
 */
export const readImage = async (path: string, options: ImageOptions = {}): Promise<Image> =>
  decodeImage(await readBytes(path, DataError), path, options);
