import { startsWith } from '../imageFormat.js';
import type { Orientation } from './types.js';

const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY = 12;
const PREFIX = 6;

/** Whether an APP1 segment of a JPEG is EXIF; XMP uses the same marker. */
export const isExif = (bytes: Uint8Array): boolean => startsWith(bytes, 0, 'Exif\0\0');

/**
 * The orientation in EXIF metadata, with or without the prefix of JPEG. 1 if the metadata are damaged: the image
 * may still be valid.
 */
export function orientationOf(exif: Uint8Array): Orientation {
  const tiff = isExif(exif) ? exif.subarray(PREFIX) : exif;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return 1;
  const order = view.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0, at = directory + 2; i < count && at + ENTRY <= tiff.length; i++, at += ENTRY) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return view.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
