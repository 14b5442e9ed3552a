import { DataError } from '../../core/errors.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { checkHead } from './imageHead.js';
import { loadSharp } from './loadSharp.js';

/**
 * Decodes a PNG, JPEG or WebP image to 8-bit sRGB. Applies the EXIF orientation, drops the alpha channel and
 * converts any bit depth and color space. The image keeps its size: `src/image` scales it, in the same way on every
 * runtime.
 *
 * @param name the image's name in errors
 * @throws DataError for another format, a truncated image or an image of too many pixels
 * @throws BackendUnavailableError if sharp is not installed
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  checkHead(bytes, name);
  const sharp = await loadSharp(name);
  // 'error' accepts the harmless defects of real photographs, and nothing that costs pixels.
  const upright = sharp(bytes, { failOn: 'error' }).autoOrient().removeAlpha().toColorspace('srgb');
  try {
    const { data, info } = await upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new DataError({ op: name, expected: 'a whole image', got: reasonOf(cause).split('\n')[0] }, { cause });
  }
}

/**
 * Reads and decodes an image file.
 *
 * @throws DataError with the path if the file is missing, or for what `decodeImage` refuses
 * @throws BackendUnavailableError if sharp is not installed
 */
export const readImage = async (path: string): Promise<RgbImage> => decodeImage(await readBytes(path, DataError), path);
