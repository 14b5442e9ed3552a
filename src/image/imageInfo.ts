import { DataError, ParamError } from '../core/errors.js';
import { imageFormat, type ImageFormat } from './imageFormat.js';
import { ByteReader } from './info/byteReader.js';
import type { Orientation } from './info/exif.js';
import { jpegInfo } from './info/jpegInfo.js';
import { pngInfo } from './info/pngInfo.js';
import { webpInfo } from './info/webpInfo.js';

/** What an image file says of itself. */
export interface ImageInfo {
  readonly format: ImageFormat;
  /** As stored: orientations from 5 on exchange the two. */
  readonly width: number;
  readonly height: number;
  /** Bits of a sample; of a palette, of an index into it. */
  readonly bitDepth: number;
  readonly color: 'gray' | 'rgb' | 'palette' | 'cmyk';
  readonly alpha: boolean;
  readonly animated: boolean;
  /**
   * How often a decoder goes through the whole picture: of a progressive JPEG some ten times, of a hostile one as
   * often as its bytes have room for. Of what is cut off, as often as is left. 1 for PNG and WebP.
   */
  readonly scans: number;
  /** EXIF's: for `orient`. */
  readonly orientation: Orientation;
}

const READERS: Readonly<Record<ImageFormat, (file: ByteReader) => Omit<ImageInfo, 'format'>>> = {
  jpeg: jpegInfo,
  png: pngInfo,
  webp: webpInfo,
};

/**
 * What a PNG, JPEG or WebP says of itself, without decoding it: a server can refuse an image
 * before it takes the memory that the image asks for. What says so is not trusted further:
 * a decoder may still find the file damaged.
 *
 * @param bytes all of the file: WebP's EXIF stands at its end
 * @param name how errors call the image
 * @throws DataError for an empty file, another format, a truncated or contradictory one
 */
export function imageInfo(bytes: Uint8Array, name = 'imageInfo'): ImageInfo {
  // A caller without types may pass anything; an array of another realm is one too.
  const given: unknown = bytes;
  if (!ArrayBuffer.isView(given) || bytes.BYTES_PER_ELEMENT !== 1) {
    throw new ParamError({ op: name, expected: 'bytes in a Uint8Array', got: typeof given });
  }
  const format = imageFormat(bytes);
  if (format === null) {
    const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
    throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
  }
  const info = READERS[format](new ByteReader(bytes, name));
  if (info.width === 0 || info.height === 0) {
    throw new DataError({ op: name, expected: 'sides >= 1', got: `${info.width} x ${info.height}` });
  }
  return { format, ...info };
}
