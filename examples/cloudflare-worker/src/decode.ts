import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import pngModule from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { orient, type ImageInfo, type PixelImage } from 'vanillanet';
import { emscripten } from './decoders/emscripten.js';
import { png } from './decoders/png.js';
import { DamagedImageError, restartAfterDamage } from './decoders/restartAfterDamage.js';
import { HttpError } from './httpError.js';
import { release } from './release.js';

/** Whether the decoder applies EXIF's orientation. `orient` does it here, for all formats. */
const APPLY_ORIENTATION = false;

const DECODERS = {
  jpeg: restartAfterDamage(() => emscripten(jpegFactory, jpegModule, APPLY_ORIENTATION)),
  png: restartAfterDamage(() => png(pngModule)),
  webp: restartAfterDamage(() => emscripten(webpFactory, webpModule)),
};

/** Decodes an image, and applies its EXIF orientation. @throws HttpError */
export function decode(bytes: Uint8Array, { format, width, height, orientation }: ImageInfo): PixelImage {
  let image: PixelImage;
  try {
    image = DECODERS[format](bytes);
  } catch (error) {
    if (!(error instanceof DamagedImageError)) throw error;
    // The decoder's message is about its own code, and of no use to the client.
    throw new HttpError(400, 'expected a whole image, got a damaged one');
  }
  if (image.width !== width || image.height !== height) {
    release(image.data);
    throw new HttpError(400, 'expected an image of the size in its header');
  }
  const upright = orient(image, orientation);
  if (upright !== image) release(image.data);
  return upright;
}
