import { DataError } from '../../core/errors.js';
import type { ByteReader } from './byteReader.js';
import { isExif, orientationOf } from './exif.js';
import type { FormatInfo, ImageInfo, Orientation } from './types.js';

const [START, END, SCAN, EXIF] = [0xd8, 0xd9, 0xda, 0xe1];

/** Start-of-frame markers are C0 to CF except for three with other meanings. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Markers without a segment: TEM and the restarts. */
const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

const COLORS: Readonly<Record<number, ImageInfo['color']>> = { 1: 'gray', 3: 'rgb', 4: 'cmyk' };

/** The next marker with a segment, and its end. Other bytes before it are skipped, as in libjpeg. */
function nextMarker(file: ByteReader, from: number): readonly [marker: number, end: number] {
  for (let at = from; ;) {
    at = file.find(0xff, at);
    while (file.u8(at) === 0xff) at++;
    const marker = file.u8(at++);
    // A stuffed zero is not a marker.
    if (marker !== 0 && !isAlone(marker)) return [marker, at];
  }
}

/**
 * The segments up to the first scan, which is reported with the length 0.
 *
 * @throws DataError if there is no scan
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

/** The number of scans from `from` on. A truncated file is not an error here, only for a decoder. */
function scansFrom(file: ByteReader, from: number): number {
  let scans = 0;
  try {
    for (let at = from; ;) {
      const [marker, end] = nextMarker(file, at);
      if (marker === END) return scans;
      if (marker === SCAN) scans++;
      // A length below 2 skips only itself, as in libjpeg, so that it cannot hide scans.
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
      // As in libjpeg: with two frames the size would be ambiguous.
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
