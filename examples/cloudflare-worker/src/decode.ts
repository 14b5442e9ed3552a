import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import pngModule from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { orient, type ImageInfo, type PixelImage } from 'vanillanet';
import { emscripten } from './decoders/emscripten.js';
import { png } from './decoders/png.js';
import { Damaged, renewed } from './decoders/renewed.js';
import { HttpError } from './httpError.js';
import { release } from './release.js';

/** EXIF's, which `orient` has for all formats: the decoder is to leave it alone. */
const TURN = false;

const DECODERS = {
  jpeg: renewed(() => emscripten(jpegFactory, jpegModule, TURN)),
  png: renewed(() => png(pngModule)),
  webp: renewed(() => emscripten(webpFactory, webpModule)),
};

/** An image's pixels, turned upright as its EXIF says. */
export function decode(bytes: Uint8Array, { format, width, height, orientation }: ImageInfo): PixelImage {
  let image: PixelImage;
  try {
    image = DECODERS[format](bytes);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    // What a decoder says is about its own code.
    throw new HttpError(400, 'expected a whole image, got a damaged one');
  }
  if (image.width !== width || image.height !== height) {
    release(image.data);
    throw new HttpError(400, 'expected a picture of the size that its head declares');
  }
  const upright = orient(image, orientation);
  if (upright !== image) release(image.data);
  return upright;
}
