import { imageFormat, imageInfo, type ImageInfo } from 'vanillanet';
import { isOverfull } from './decoders/pngChunks.js';
import { HttpError } from './httpError.js';
import type { Limits } from './limits.js';

/** Reads an image's header, and refuses what must not be decoded. No memory is allocated by its size before. */
export function inspect(bytes: Uint8Array, { MAX_PIXELS, MAX_SCANS }: Limits): ImageInfo {
  if (bytes.length === 0) throw new HttpError(400, 'expected an image, got an empty body');
  if (imageFormat(bytes) === null) throw new HttpError(415, 'expected a PNG, JPEG or WebP image');
  const info = infoOf(bytes);
  const { format, width, height, bitDepth, color, animated, scans } = info;
  if (width * height > MAX_PIXELS) {
    throw new HttpError(422, `expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}`);
  }
  if (scans > MAX_SCANS) throw new HttpError(422, `expected a JPEG of at most ${MAX_SCANS} scans, got ${scans}`);
  if (animated) throw new HttpError(422, 'expected one picture, got an animation');
  if (color === 'cmyk') throw new HttpError(422, 'expected RGB or gray, got CMYK');
  // Of 16 bits the decoder takes the upper 8, as other decoders do for colors, but not for gray.
  if (bitDepth > 8 && (format !== 'png' || color === 'gray')) {
    throw new HttpError(422, `expected samples of 8 bits, got ${bitDepth}`);
  }
  if (format === 'png' && isOverfull(bytes, width * height, bitDepth)) {
    throw new HttpError(422, `expected pixels for ${width} x ${height}, got more`);
  }
  return info;
}

function infoOf(bytes: Uint8Array): ImageInfo {
  try {
    return imageInfo(bytes, 'image');
  } catch (error) {
    if (!(error instanceof Error && error.name === 'DataError')) throw error;
    throw new HttpError(400, error.message);
  }
}
