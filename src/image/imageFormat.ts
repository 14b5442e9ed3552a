import { show } from '../core/check.js';
import { DETACHED, DETACHED_HINT, isDetached } from '../core/detached.js';
import { ParamError } from '../core/errors.js';

/** The formats that `imageFormat` recognizes. */
export type ImageFormat = 'png' | 'jpeg' | 'webp';

/** The number of bytes that `imageFormat` needs. */
export const FORMAT_BYTES = 12;

/** @throws ParamError unless the value is an array of bytes, also of another realm */
export function checkBytes(op: string, bytes: Uint8Array): void {
  // A caller without types may pass anything.
  const value: unknown = bytes;
  // A DataView has no elements.
  if (ArrayBuffer.isView(value) && bytes.BYTES_PER_ELEMENT === 1) {
    if (!isDetached(value)) return;
    throw new ParamError({ op, expected: 'bytes in a Uint8Array', got: DETACHED, hint: DETACHED_HINT });
  }
  throw new ParamError({ op, expected: 'bytes in a Uint8Array', got: show(value) });
}

/** Whether the bytes from `at` on are the characters of a text. */
export const startsWith = (bytes: Uint8Array, at: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
};

/**
 * The format of an image file by its first bytes; null for other formats.
 *
 * @throws ParamError if `bytes` is not a Uint8Array
 */
export function imageFormat(bytes: Uint8Array): ImageFormat | null {
  checkBytes('imageFormat', bytes);
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, 0, '\xff\xd8\xff')) return 'jpeg';
  return startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP') ? 'webp' : null;
}
