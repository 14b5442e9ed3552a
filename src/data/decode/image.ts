import sharp from 'sharp';
import { DataError } from '../../core/errors.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { checkHead } from './imageHead.js';

/**
 * Decodes a PNG, JPEG or WebP to 8-bit sRGB: turned upright by its EXIF
 * orientation, without its alpha channel, whatever its depth and color space. It is
 * not scaled here: `src/image` does that, the same way wherever it runs.
 *
 * @param name how errors call the image.
 * @throws DataError for other bytes, a truncated image or one of too many pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  checkHead(bytes, name);
  // 'error' lets the harmless oddities of real photographs pass, and nothing that costs pixels.
  const upright = sharp(bytes, { failOn: 'error' }).autoOrient().removeAlpha().toColorspace('srgb');
  try {
    const { data, info } = await upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
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
export const readImage = async (path: string): Promise<RgbImage> => decodeImage(await readBytes(path, DataError), path);
