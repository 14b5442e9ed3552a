/** Decodes PNG, JPEG and WebP to upright pixels, with decoders in WebAssembly. */
import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import { imageFormat, imageInfo, orient, type ImageInfo, type PixelImage } from 'vanillanet';
import { emscripten } from './decoders/emscripten.ts';
import { png } from './decoders/png.ts';
import { isOverfull } from './decoders/pngChunks.ts';
import { DamagedImageError, restartAfterDamage } from './decoders/restartAfterDamage.ts';

/** Larger images, by their header, are not decoded. */
const MAX_PIXELS = 25e6;
/** Scans of a progressive JPEG. Ordinary files have about ten, hostile ones thousands. */
const MAX_SCANS = 100;
/** Whether the decoder applies EXIF's orientation. `orient` does it here, for all formats. */
const APPLY_ORIENTATION = false;

const compile = async (name: string): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await Deno.readFile(new URL(import.meta.resolve(name))));

const jpegModule = await compile('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
const pngModule = await compile('@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
const webpModule = await compile('@jsquash/webp/codec/dec/webp_dec.wasm');

const DECODERS = {
  jpeg: restartAfterDamage(() => emscripten(jpegFactory, jpegModule, APPLY_ORIENTATION)),
  png: restartAfterDamage(() => png(pngModule)),
  webp: restartAfterDamage(() => emscripten(webpFactory, webpModule)),
};

/** The image is refused. The message is for the client. */
export class RefusedImageError extends Error {
  constructor(
    readonly status: 400 | 415 | 422,
    message: string,
  ) {
    super(message);
  }
}

export function decode(bytes: Uint8Array): PixelImage {
  if (bytes.length === 0) throw new RefusedImageError(400, 'expected an image, got no bytes');
  const format = imageFormat(bytes);
  if (format === null) throw new RefusedImageError(415, 'expected a PNG, JPEG or WebP, got something else');
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
const isImageError = (error: unknown): boolean =>
  error instanceof DamagedImageError || (error instanceof Error && error.name === 'DataError');

function check(info: ImageInfo, bytes: Uint8Array): void {
  const { format, width, height, bitDepth, color, animated, scans } = info;
  if (width * height > MAX_PIXELS) {
    throw new RefusedImageError(422, `expected at most ${MAX_PIXELS / 1e6} megapixels, got ${width} x ${height}`);
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
