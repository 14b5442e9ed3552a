import type { ByteReader } from './byteReader.js';
import { isExif, orientationOf, type Orientation } from './exif.js';
import type { ImageInfo } from '../imageInfo.js';

const [START, END, SCAN, EXIF] = [0xd8, 0xd9, 0xda, 0xe1];

/** Start-of-frame markers are C0 to CF, but for three that have another meaning. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Markers that nothing belongs to: TEM, and the restarts. */
const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

const COLOURS: Readonly<Record<number, ImageInfo['colour']>> = { 1: 'grey', 3: 'rgb', 4: 'cmyk' };

/**
 * The segments up to the first scan. As in libjpeg, bytes between two segments are passed
 * over, so that both find the same head.
 *
 * @throws DataError where no scan comes
 */
function* segmentsOf(file: ByteReader): Generator<readonly [marker: number, data: number, length: number]> {
  for (let at = 2; ;) {
    while (file.u8(at) !== 0xff) at++;
    while (file.u8(at) === 0xff) at++;
    const marker = file.u8(at++);
    // A stuffed zero is none either.
    if (marker === 0 || isAlone(marker)) continue;
    if (marker === SCAN) return;
    if (marker === START || marker === END) throw file.error('a JPEG with a scan', 'one without');
    const length = file.u16(at);
    if (length < 2) throw file.error('segments of 2 bytes or more', `one of ${length}`);
    file.need(at, length);
    yield [marker, at + 2, length - 2];
    at += length;
  }
}

export function jpegInfo(file: ByteReader): Omit<ImageInfo, 'format'> {
  let frame: Pick<ImageInfo, 'width' | 'height' | 'bitDepth' | 'colour'> | null = null;
  let orientation: Orientation | null = null;
  for (const [marker, data, length] of segmentsOf(file)) {
    if (isFrame(marker)) {
      // libjpeg takes none with two either: which of them would say how large it is?
      if (frame !== null) throw file.error('a JPEG with one frame', 'one with two');
      if (length < 6) throw file.error('a frame of 6 bytes or more', `${length}`);
      const components = file.u8(data + 5);
      if (!Object.hasOwn(COLOURS, components)) throw file.error('1, 3 or 4 components', `${components}`);
      frame = {
        width: file.u16(data + 3),
        height: file.u16(data + 1),
        bitDepth: file.u8(data),
        colour: COLOURS[components],
      };
    } else if (marker === EXIF && isExif(file.part(data, length))) {
      orientation ??= orientationOf(file.part(data, length));
    }
  }
  if (frame === null) throw file.error('a JPEG with a frame before its scan', 'one without');
  return { ...frame, alpha: false, animated: false, orientation: orientation ?? 1 };
}
