/** Decodes PNG and JPEG to upright pixels, with decoders in WebAssembly. */
import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?module';
import pngModule from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm?module';
import { imageFormat, imageInfo, orient } from 'vanillanet';
import { emscripten } from './decoders/emscripten.js';
import { png } from './decoders/png.js';
import { isOverfull } from './decoders/pngChunks.js';
import { DamagedImageError, restartAfterDamage } from './decoders/restartAfterDamage.js';

/** Larger images, by their header, are not decoded. The platform gives 128 MB, and a pixel takes about 20 bytes. */
const MAX_PIXELS = 2 * 2 ** 20;
/** Scans of a progressive JPEG. Ordinary files have about ten, hostile ones thousands. */
const MAX_SCANS = 100;
/** Whether the decoder applies EXIF's orientation. `orient` does it here, for both formats. */
const APPLY_ORIENTATION = false;

const DECODERS = {
  jpeg: restartAfterDamage(() => emscripten(jpegFactory, jpegModule, APPLY_ORIENTATION)),
  png: restartAfterDamage(() => png(pngModule)),
};

/** The image is refused. The message is for the client. */
export class RefusedImageError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function decode(bytes) {
  if (bytes.length === 0) throw new RefusedImageError(400, 'expected an image, got no bytes');
  const format = imageFormat(bytes);
  if (format !== 'png' && format !== 'jpeg')
    throw new RefusedImageError(415, 'expected a PNG or JPEG, got something else');
  try {
    const info = imageInfo(bytes);
    check(info, bytes);
    return orient(DECODERS[format](bytes), info.orientation);
  } catch (error) {
    // Other errors are not the image's fault.
    if (!isImageError(error)) throw error;
    throw new RefusedImageError(400, `expected a whole ${format.toUpperCase()}, got a damaged one`);
  }
}

/** Whether the image is damaged: `imageInfo` throws a DataError, the decoders a DamagedImageError. */
const isImageError = (error) => error instanceof DamagedImageError || error.name === 'DataError';

function check({ format, width, height, bitDepth, color, animated, scans }, bytes) {
  if (width * height > MAX_PIXELS) {
    throw new RefusedImageError(422, `expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}`);
  }
  if (scans > MAX_SCANS)
    throw new RefusedImageError(422, `expected a JPEG of at most ${MAX_SCANS} scans, got ${scans}`);
  if (animated) throw new RefusedImageError(422, 'expected one picture, got an animation');
  if (color === 'cmyk') throw new RefusedImageError(422, 'expected RGB or gray, got CMYK');
  // Of 16 bits the decoder takes the upper 8, as other decoders do for colors, but not for gray.
  if (bitDepth > 8 && (format !== 'png' || color === 'gray')) {
    throw new RefusedImageError(422, `expected samples of 8 bits, got ${bitDepth}`);
  }
  if (format === 'png' && isOverfull(bytes, width * height, bitDepth)) {
    throw new RefusedImageError(422, `expected pixels for ${width} x ${height}, got more`);
  }
}
