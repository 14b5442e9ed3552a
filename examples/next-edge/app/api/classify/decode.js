/** PNG and JPEG to upright pixels, by decoders that are WebAssembly themselves. */
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import jpegWasm from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?module';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import pngWasm from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm?module';
import { imageInfo, orient } from 'vanillanet';

/** Of an image's head: beyond it, nothing is decoded. */
const MOST_PIXELS = 25e6;

// The decoders answer with it, and edge functions have none.
globalThis.ImageData ??= class {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
};

/** An image that is none, or not one of ours: its message is for whoever sent it. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function initDecoders() {
  await initPng(pngWasm);
  // Given as such, the module is taken for one of another realm.
  await initJpeg(undefined, {
    instantiateWasm(imports, done) {
      void WebAssembly.instantiate(jpegWasm, imports).then(done);
      return {};
    },
  });
}

export async function decode(bytes) {
  if (bytes.length === 0) throw new Refused(400, 'expected an image, got no bytes');
  const { format, width, height, orientation } = headOf(bytes);
  if (format === 'webp') throw new Refused(415, 'expected a PNG or JPEG, got WebP');
  if (width * height > MOST_PIXELS) {
    throw new Refused(422, `expected at most ${MOST_PIXELS / 1e6} megapixels, got ${width} x ${height}`);
  }
  try {
    return orient(await (format === 'png' ? decodePng : decodeJpeg)(bytes.buffer), orientation);
  } catch {
    throw new Refused(400, `expected a whole ${format.toUpperCase()}, got a damaged one`);
  }
}

function headOf(bytes) {
  try {
    return imageInfo(bytes);
  } catch {
    throw new Refused(415, 'expected a PNG or JPEG, got something else');
  }
}
