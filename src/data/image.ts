import sharp from 'sharp';
import { DataError } from '../core/errors.js';
import type { RgbImage } from '../image/pixelImage.js';
import { readBytes } from '../io/readFile.js';
import { reasonOf } from '../io/reason.js';

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
 * orientation, without its alpha channel, whatever its depth and colour space. It is
 * not scaled here: `src/image` does that, the same way wherever it runs.
 *
 * @param name how errors call the image.
 * @throws DataError for other bytes, a truncated image or one of too many pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  if (!isPhotograph(bytes)) {
    const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
    throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
  }
  // 'error' lets the harmless oddities of real photographs pass, and nothing that costs pixels.
  const upright = sharp(bytes, { failOn: 'error' }).autoOrient().removeAlpha().toColourspace('srgb');
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
