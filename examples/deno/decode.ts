/** PNG and JPEG to upright pixels, by decoders that are WebAssembly themselves. */
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import { imageInfo, orient, type PixelImage } from 'vanillanet';

/** Of an image's head: beyond it, nothing is decoded. */
const MOST_PIXELS = 25e6;

// The decoders answer with it, and not every runtime has one.
globalThis.ImageData ??= class {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
} as unknown as typeof ImageData;

const compiled = async (name: string): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await Deno.readFile(new URL(import.meta.resolve(name))));

await initPng(await compiled('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'));
await initJpeg(await compiled('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'));

/** An image that is none, or not one of ours: its message is for whoever sent it. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 415 | 422,
    message: string,
  ) {
    super(message);
  }
}

export async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<PixelImage> {
  if (bytes.length === 0) throw new Refused(400, 'expected an image, got no bytes');
  const { format, width, height, orientation } = read(bytes);
  if (format === 'webp') throw new Refused(415, 'expected a PNG or JPEG, got WebP');
  if (width * height > MOST_PIXELS) {
    throw new Refused(422, `expected at most ${MOST_PIXELS / 1e6} megapixels, got ${width} x ${height}`);
  }
  try {
    const decoded = await (format === 'png' ? decodePng : decodeJpeg)(bytes.buffer);
    return orient(decoded, orientation);
  } catch {
    throw new Refused(400, `expected a whole ${format.toUpperCase()}, got a damaged one`);
  }
}

function read(bytes: Uint8Array) {
  try {
    return imageInfo(bytes);
  } catch {
    throw new Refused(415, 'expected a PNG or JPEG, got something else');
  }
}
