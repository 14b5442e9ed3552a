import type { ByteReader } from './byteReader.js';
import { orientationOf } from './exif.js';
import type { FormatInfo, ImageInfo } from './types.js';

type Still = Pick<ImageInfo, 'width' | 'height' | 'alpha'>;

const RIFF_HEAD = 12;
/** Bytes of name and length before the data of a chunk. */
const BEFORE = 8;
const FLAGS = { animated: 0x02, exif: 0x08, alpha: 0x10 };

/** A lossy image: the frame tag, a start code, width and height of 14 bits and a scale. */
function lossy(file: ByteReader, data: number): Still {
  const key = (file.u8(data) & 1) === 0;
  if (!key || file.u24(data + 3) !== 0x2a019d) throw file.error('a key frame of VP8', 'other bytes');
  return { width: file.u16(data + 6, true) & 0x3fff, height: file.u16(data + 8, true) & 0x3fff, alpha: false };
}

/** A lossless image: a signature, then width − 1 and height − 1 of 14 bits and a bit for alpha. */
function lossless(file: ByteReader, data: number): Still {
  if (file.u8(data) !== 0x2f) throw file.error('the signature of VP8L', 'other bytes');
  const bits = file.u32(data + 1, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha: ((bits >>> 28) & 1) === 1 };
}

/** The EXIF chunk after the pixels; empty if there is none. */
function exif(file: ByteReader, end: number, at: number): Uint8Array {
  while (at + BEFORE <= end) {
    const [name, length] = [file.name(at), file.u32(at + 4, true)];
    if (name === 'EXIF') return file.part(at + BEFORE, length);
    at += BEFORE + length + (length % 2);
  }
  return new Uint8Array(0);
}

export function webpInfo(file: ByteReader): FormatInfo {
  const end = 8 + file.u32(4, true);
  file.need(0, end);
  const [name, length] = [file.name(RIFF_HEAD), file.u32(RIFF_HEAD + 4, true)];
  const data = RIFF_HEAD + BEFORE;
  const common = { bitDepth: 8, color: 'rgb', animated: false, scans: 1, orientation: 1 } as const;
  if (name === 'VP8 ') return { ...common, ...lossy(file, data) };
  if (name === 'VP8L') return { ...common, ...lossless(file, data) };
  if (name !== 'VP8X') throw file.error('a chunk of VP8, VP8L or VP8X', 'another');
  const flags = file.u8(data);
  return {
    ...common,
    width: file.u24(data + 4) + 1,
    height: file.u24(data + 7) + 1,
    alpha: (flags & FLAGS.alpha) !== 0,
    animated: (flags & FLAGS.animated) !== 0,
    orientation: (flags & FLAGS.exif) === 0 ? 1 : orientationOf(exif(file, end, data + length + (length % 2))),
  };
}
