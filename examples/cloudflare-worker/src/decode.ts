import { orient, type ImageInfo, type PixelImage } from 'vanillanet';
import { decodeJpeg } from './decoders/jpeg.js';
import { decodePng } from './decoders/png.js';
import type { Decode } from './decoders/renewed.js';
import { decodeWebp } from './decoders/webp.js';
import { HttpError } from './httpError.js';

const DECODERS: Readonly<Record<ImageInfo['format'], Decode>> = {
  jpeg: decodeJpeg,
  png: decodePng,
  webp: decodeWebp,
};

/** An image's pixels, turned upright as its EXIF says. */
export async function decode(
  bytes: Uint8Array,
  { format, width, height, orientation }: ImageInfo,
): Promise<PixelImage> {
  let image: PixelImage;
  try {
    image = await DECODERS[format](bytes, width * height);
  } catch {
    // What a decoder says is about its own code.
    throw new HttpError(400, 'expected a whole image, got a damaged one');
  }
  if (image.width !== width || image.height !== height) {
    throw new HttpError(400, 'expected a picture of the size that its head declares');
  }
  return orient(image, orientation);
}
