/** PNG and JPEG to upright pixels, by decoders that are WebAssembly themselves. */
import { fileURLToPath } from 'node:url';
import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { DataError, imageFormat, imageInfo, orient, type ImageInfo, type PixelImage } from 'vanillanet';
import { emscripten } from './decoders/emscripten.ts';
import { png } from './decoders/png.ts';
import { isOverfull } from './decoders/pngChunks.ts';
import { Damaged, renewed } from './decoders/renewed.ts';

/** Of an image's head: beyond it, nothing is decoded. */
const MOST_PIXELS = 25e6;
/** Times that a JPEG goes through its whole picture. A progressive one has some ten; hostile ones have thousands. */
const MOST_SCANS = 100;
/** EXIF's, which `orient` has for both formats: the decoder is to leave it alone. */
const TURN = false;

const compiled = async (name: string): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await Bun.file(fileURLToPath(import.meta.resolve(name))).arrayBuffer());

const jpegModule = await compiled('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
const pngModule = await compiled('@jsquash/png/codec/pkg/squoosh_png_bg.wasm');

const DECODERS = {
  jpeg: renewed(() => emscripten(jpegFactory, jpegModule, TURN)),
  png: renewed(() => png(pngModule)),
};

/** An image that is none, or not one of ours: its message is for whoever sent it. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 415 | 422,
    message: string,
  ) {
    super(message);
  }
}

export function decode(bytes: Uint8Array): PixelImage {
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

function check(info: ImageInfo, bytes: Uint8Array): void {
  const { format, width, height, bitDepth, color, animated, scans } = info;
  if (width * height > MOST_PIXELS) {
    throw new Refused(422, `expected at most ${MOST_PIXELS / 1e6} megapixels, got ${width} x ${height}`);
  }
  if (scans > MOST_SCANS) throw new Refused(422, `expected a JPEG of at most ${MOST_SCANS} scans, got ${scans}`);
  if (animated) throw new Refused(422, 'expected one picture, got an animation');
  if (color === 'cmyk') throw new Refused(422, 'expected RGB or gray, got CMYK');
  if (bitDepth > 8) throw new Refused(422, `expected samples of 8 bits, got ${bitDepth}`);
  if (format === 'png' && isOverfull(bytes, width * height)) {
    throw new Refused(422, `expected pixels for ${width} x ${height}, got more`);
  }
}
