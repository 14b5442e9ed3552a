import { DataError } from '../core/errors.js';
import { imageInfo } from './imageInfo.js';
import type { ImageInfo } from './info/types.js';

/** Twice Pillow's MAX_IMAGE_PIXELS: Pillow refuses larger images, too. */
export const MAX_PIXELS = 178_956_970;
/** Scans of a progressive JPEG. Ordinary files have about ten, hostile ones thousands, each as slow as a whole image. */
const MAX_SCANS = 100;

const CONVERT = 'Convert it first, for example: magick';

/**
 * Reads the header of an image and refuses, before anything is allocated for the pixels, images that are too large, and
 * those that decoders read differently: the answer must not depend on the runtime.
 *
 * @returns its header
 * @throws DataError for another format than PNG, JPEG and WebP, more than `maxPixels` pixels, more than 100 scans,
 *   animations, CMYK, and samples of more than 8 bits except for PNG in color
 */
export function checkImage(bytes: Uint8Array, name: string, maxPixels: number): ImageInfo {
  const info = imageInfo(bytes, name);
  const { format, width, height, bitDepth, color, animated, scans } = info;
  const refuse = (expected: string, got: string, hint?: string): never => {
    throw new DataError({ op: name, expected, got, hint });
  };
  if (width * height > maxPixels) {
    const hint = 'Scale it down first, or raise maxPixels if you trust the file.';
    refuse(`an image of at most ${maxPixels} pixels`, `${width} x ${height}`, hint);
  }
  if (scans > MAX_SCANS) refuse(`a JPEG of at most ${MAX_SCANS} scans`, `${scans}`);
  if (animated) refuse('one picture', 'an animation', `${CONVERT} "in.${format}[0]" out.png.`);
  if (color === 'cmyk') refuse('RGB or gray', 'CMYK', `${CONVERT} in.jpg -colorspace sRGB out.jpg.`);
  if (bitDepth > 8 && (format !== 'png' || color === 'gray')) {
    refuse('samples of 8 bits', `${color} of ${bitDepth} bits`, `${CONVERT} in.${format} -depth 8 out.png.`);
  }
  return info;
}
