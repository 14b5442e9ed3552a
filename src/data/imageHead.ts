import { open } from 'node:fs/promises';
import { DataError } from '../core/errors.js';
import { reasonOf } from '../io/reason.js';

/** Bytes that tell a format. */
const HEAD = 12;

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** By what a file's first bytes say it is. sharp reads more formats, and SVG can name other files. */
function isPhotograph(bytes: Uint8Array): boolean {
  const png = ascii(bytes.subarray(0, 8)) === '\x89PNG\r\n\x1a\n';
  const jpeg = ascii(bytes.subarray(0, 3)) === '\xff\xd8\xff';
  const webp = ascii(bytes.subarray(0, 4)) === 'RIFF' && ascii(bytes.subarray(8, 12)) === 'WEBP';
  return png || jpeg || webp;
}

/** @throws DataError for bytes that do not begin as a PNG, JPEG or WebP does */
export function checkHead(bytes: Uint8Array, name: string): void {
  if (isPhotograph(bytes)) return;
  const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
  throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
}

/** Looks at a file's first bytes only: thousands of images take a moment. @throws DataError as `checkHead` does */
export async function checkFileHead(path: string): Promise<void> {
  const bytes = new Uint8Array(HEAD);
  let count: number;
  try {
    const file = await open(path);
    try {
      count = (await file.read(bytes, 0, HEAD, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
  checkHead(bytes.subarray(0, count), path);
}
