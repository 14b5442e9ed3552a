/** PNG and JPEG to upright pixels, by decoders that are WebAssembly themselves. */
import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?module';
import pngModule from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm?module';
import { DataError, imageFormat, imageInfo, orient } from 'vanillanet';
import { emscripten } from './decoders/emscripten.js';
import { png } from './decoders/png.js';
import { isOverfull } from './decoders/pngChunks.js';
import { Damaged, renewed } from './decoders/renewed.js';

/** Of an image's head: beyond it, nothing is decoded. The platform has 128 MB for all, and a pixel takes some 20 bytes. */
const MOST_PIXELS = 2 * 2 ** 20;
/** Times that a JPEG goes through its whole picture. A progressive one has some ten; hostile ones have thousands. */
const MOST_SCANS = 100;
/** EXIF's, which `orient` has for both formats: the decoder is to leave it alone. */
const TURN = false;

const DECODERS = {
  jpeg: renewed(() => emscripten(jpegFactory, jpegModule, TURN)),
  png: renewed(() => png(pngModule)),
};

/** An image that is none, or not one of ours: its message is for whoever sent it. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function decode(bytes) {
  if (bytes.length === 0) throw new Refused(400, 'expected an image, got no bytes');
  const format = imageFormat(bytes);
  if (format !== 'png' && format !== 'jpeg') throw new Refused(415, 'expected a PNG or JPEG, got something else');
  try {
    const info = imageInfo(bytes);
    check(info, bytes);
    return orient(DECODERS[format](bytes), info.orientation);
  } catch (error) {
    // Of its head, or of what is behind. Anything else is not the image's fault.
    if (!(error instanceof DataError || error instanceof Damaged)) throw error;
    throw new Refused(400, `expected a whole ${format.toUpperCase()}, got a damaged one`);
  }
}

function check({ format, width, height, bitDepth, color, animated, scans }, bytes) {
  if (width * height > MOST_PIXELS) {
    throw new Refused(422, `expected at most ${MOST_PIXELS} pixels, got ${width} x ${height}`);
  }
  if (scans > MOST_SCANS) throw new Refused(422, `expected a JPEG of at most ${MOST_SCANS} scans, got ${scans}`);
  if (animated) throw new Refused(422, 'expected one picture, got an animation');
  if (color === 'cmyk') throw new Refused(422, 'expected RGB or gray, got CMYK');
  if (bitDepth > 8) throw new Refused(422, `expected samples of 8 bits, got ${bitDepth}`);
  if (format === 'png' && isOverfull(bytes, width * height)) {
    throw new Refused(422, `expected pixels for ${width} x ${height}, got more`);
  }
}
