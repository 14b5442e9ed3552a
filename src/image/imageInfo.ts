import { DataError } from '../core/errors.js';
import { HEAD, imageKind } from '../io/fileKind.js';
import { checkBytes, imageFormat, type ImageFormat } from './imageFormat.js';
import { ByteReader } from './info/byteReader.js';
import { jpegInfo } from './info/jpegInfo.js';
import { pngInfo } from './info/pngInfo.js';
import type { FormatInfo, ImageInfo } from './info/types.js';
import { webpInfo } from './info/webpInfo.js';

const READERS: Readonly<Record<ImageFormat, (file: ByteReader) => FormatInfo>> = {
  jpeg: jpegInfo,
  png: pngInfo,
  webp: webpInfo,
};

/**
 * Reads the header of a PNG, JPEG or WebP file without decoding it, so that a server can refuse an image before
 * it allocates memory for the pixels. A decoder may still find the file damaged.
 *
 * @param bytes the whole file: EXIF is at the end of a WebP
 * @param name the name of the image in errors
 * @throws DataError for an empty, truncated or inconsistent file, or another format; ParamError if `bytes` is not
 *   a Uint8Array
 */
export function imageInfo(bytes: Uint8Array, name = 'imageInfo'): ImageInfo {
  checkBytes(name, bytes);
  const format = imageFormat(bytes);
  if (format === null) {
    const { name: got, hint } = imageKind(bytes.subarray(0, HEAD));
    throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got, hint });
  }
  const info = READERS[format](new ByteReader(bytes, name));
  if (info.width === 0 || info.height === 0) {
    throw new DataError({ op: name, expected: 'sides >= 1', got: `${info.width} x ${info.height}` });
  }
  return { format, ...info };
}
