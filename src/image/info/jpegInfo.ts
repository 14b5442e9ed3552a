import { DataError } from '../../core/errors.js';
import type { ByteReader } from './byteReader.js';
import { isExif, orientationOf } from './exif.js';
import type { FormatInfo, ImageInfo, Orientation } from './types.js';

const [START, END, SCAN, EXIF] = [0xd8, 0xd9, 0xda, 0xe1];

/** Start-of-frame markers are C0 to CF, but for three that have another meaning. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Markers that nothing belongs to: TEM, and the restarts. */
const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

const COLORS: Readonly<Record<number, ImageInfo['color']>> = { 1: 'gray', 3: 'rgb', 4: 'cmyk' };

/** The next marker that something belongs to, and where it ends. As in libjpeg, other bytes before it are passed over. */
function nextMarker(file: ByteReader, from: number): readonly [marker: number, end: number] {
  for (let at = from; ;) {
    at = file.find(0xff, at);
    while (file.u8(at) === 0xff) at++;
    const marker = file.u8(at++);
    // A stuffed zero is none either.
    if (marker !== 0 && !isAlone(marker)) return [marker, at];
  }
}

/**
 * The segments before the first scan, and that scan itself without its length.
 *
 * @throws DataError where no scan comes
 */
function* segmentsOf(file: ByteReader): Generator<readonly [marker: number, data: number, length: number]> {
  for (let at = 2; ;) {
    const [marker, end] = nextMarker(file, at);
    if (marker === SCAN) {
      yield [marker, end, 0];
      return;
    }
    if (marker === START || marker === END) throw file.error('a JPEG with a scan', 'one without');
    const length = file.u16(end);
    if (length < 2) throw file.error('segments of 2 bytes or more', `one of ${length}`);
    file.need(end, length);
    yield [marker, end + 2, length - 2];
    at = end + length;
  }
}

/** How many scans come from `from` on, as far as the file goes: it is for a decoder to say that it is cut off. */
function scansFrom(file: ByteReader, from: number): number {
  let scans = 0;
  try {
    for (let at = from; ;) {
      const [marker, end] = nextMarker(file, at);
      if (marker === END) return scans;
      if (marker === SCAN) scans++;
      // As in libjpeg, a length too small for itself skips nothing else: no scan is to hide behind it.
      at = end + Math.max(2, file.u16(end));
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return scans;
  }
}

export function jpegInfo(file: ByteReader): FormatInfo {
  let frame: Pick<ImageInfo, 'width' | 'height' | 'bitDepth' | 'color'> | null = null;
  let orientation: Orientation | null = null;
  let scans = 0;
  for (const [marker, data, length] of segmentsOf(file)) {
    if (marker === SCAN) {
      scans = 1 + scansFrom(file, data);
    } else if (isFrame(marker)) {
      // libjpeg takes none with two either: which of them would say how large it is?
      if (frame !== null) throw file.error('a JPEG with one frame', 'one with two');
      if (length < 6) throw file.error('a frame of 6 bytes or more', `${length}`);
      const components = file.u8(data + 5);
      if (!Object.hasOwn(COLORS, components)) throw file.error('1, 3 or 4 components', `${components}`);
      frame = {
        width: file.u16(data + 3),
        height: file.u16(data + 1),
        bitDepth: file.u8(data),
        color: COLORS[components],
      };
    } else if (marker === EXIF && isExif(file.part(data, length))) {
      orientation ??= orientationOf(file.part(data, length));
    }
  }
  if (frame === null) throw file.error('a JPEG with a frame before its scan', 'one without');
  return { ...frame, alpha: false, animated: false, scans, orientation: orientation ?? 1 };
}
