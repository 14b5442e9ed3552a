import type { ByteReader } from './byteReader.js';
import { orientationOf } from './exif.js';
import type { FormatInfo, ImageInfo } from './types.js';

/** By the color type in the header: color, alpha and valid bit depths. */
const TYPES: Readonly<Record<number, Pick<ImageInfo, 'color' | 'alpha'> & { readonly depths: readonly number[] }>> = {
  0: { color: 'gray', alpha: false, depths: [1, 2, 4, 8, 16] },
  2: { color: 'rgb', alpha: false, depths: [8, 16] },
  3: { color: 'palette', alpha: false, depths: [1, 2, 4, 8] },
  4: { color: 'gray', alpha: true, depths: [8, 16] },
  6: { color: 'rgb', alpha: true, depths: [8, 16] },
};

const SIGNATURE = 8;
/** Bytes of length and name before the data of a chunk, and of the checksum after it. */
const [BEFORE, BEHIND] = [8, 4];

/** The chunks before the pixels. @throws DataError if there are no pixels */
function* chunksOf(file: ByteReader): Generator<readonly [name: string, data: number, length: number]> {
  for (let at = SIGNATURE; ;) {
    const [length, name] = [file.u32(at), file.name(at + 4)];
    if (name === 'IDAT') return;
    if (name === 'IEND') throw file.error('a PNG with pixels', 'one without');
    file.need(at + BEFORE, length + BEHIND);
    yield [name, at + BEFORE, length];
    at += BEFORE + length + BEHIND;
  }
}

export function pngInfo(file: ByteReader): FormatInfo {
  if (file.u32(SIGNATURE) !== 13 || file.name(SIGNATURE + 4) !== 'IHDR') {
    throw file.error('a PNG that begins with its header', 'another chunk');
  }
  const head = SIGNATURE + BEFORE;
  const [width, height] = [file.u32(head), file.u32(head + 4)];
  const [bitDepth, number] = [file.u8(head + 8), file.u8(head + 9)];
  const type = Object.hasOwn(TYPES, number) ? TYPES[number] : undefined;
  if (!type?.depths.includes(bitDepth)) {
    throw file.error('a color type and depth of PNG', `type ${number} of ${bitDepth} bits`);
  }
  const { color } = type;
  let { alpha } = type;
  let [animated, orientation] = [false, 1 as ImageInfo['orientation']];
  for (const [name, data, length] of chunksOf(file)) {
    if (name === 'tRNS') alpha = true;
    else if (name === 'acTL') animated = true;
    else if (name === 'eXIf') orientation = orientationOf(file.part(data, length));
  }
  return { width, height, bitDepth, color, alpha, animated, scans: 1, orientation };
}
