import { startsWith } from '../imageFormat.js';
import type { Orientation } from './types.js';

const ORIENTATION = 0x0112;
const ENTRY = 12;
/** Where the value of an entry is, or its offset if it has more bytes than fit there. */
const [VALUE, VALUE_BYTES] = [8, 4];

type ReadNumber = (view: DataView, at: number, little: boolean) => number;

/** The numeric types of TIFF with their bytes. Pillow reads BYTE (1) and UNDEFINED (7) as bytes, which are no orientation. */
const TYPES: Readonly<Record<number, readonly [bytes: number, read: ReadNumber]>> = {
  3: [2, (view, at, little) => view.getUint16(at, little)],
  4: [4, (view, at, little) => view.getUint32(at, little)],
  5: [8, (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little)],
  6: [1, (view, at) => view.getInt8(at)],
  8: [2, (view, at, little) => view.getInt16(at, little)],
  9: [4, (view, at, little) => view.getInt32(at, little)],
  10: [8, (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little)],
  11: [4, (view, at, little) => view.getFloat32(at, little)],
  12: [8, (view, at, little) => view.getFloat64(at, little)],
  13: [4, (view, at, little) => view.getUint32(at, little)],
};
const PREFIX = 6;

/** Whether an APP1 segment of a JPEG is EXIF; XMP uses the same marker. */
export const isExif = (bytes: Uint8Array): boolean => startsWith(bytes, 0, 'Exif\0\0');

/** The first number of the entry at `at`; null if its type is not numeric, or its bytes are not there. */
function numberOf(view: DataView, at: number, little: boolean): number | null {
  const [type, count] = [view.getUint16(at + 2, little), view.getUint32(at + 4, little)];
  if (!Object.hasOwn(TYPES, type) || count === 0) return null;
  const [bytes, read] = TYPES[type];
  const length = bytes * count;
  const begin = length <= VALUE_BYTES ? at + VALUE : view.getUint32(at + VALUE, little);
  return begin + length <= view.byteLength ? read(view, begin, little) : null;
}

/**
 * The orientation in EXIF metadata, of any numeric type as in Pillow, with or without the prefix of JPEG. 1 if the metadata are damaged: the image
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
    const value = numberOf(view, at, little);
    return value !== null && Number.isInteger(value) && value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
