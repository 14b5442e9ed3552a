import { open } from 'node:fs/promises';
import { DataError } from '../../core/errors.js';
import { FORMAT_BYTES, imageFormat } from '../../image/imageFormat.js';
import { reasonOf } from '../../io/reason.js';

/**
 * sharp reads more formats, and SVG can name other files.
 *
 * @throws DataError for bytes that do not begin as a PNG, JPEG or WebP does
 */
export function checkHead(bytes: Uint8Array, name: string): void {
  if (imageFormat(bytes) !== null) return;
  const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
  throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
}

/** Looks at a file's first bytes only: thousands of images take a moment. @throws DataError as `checkHead` does */
export async function checkFileHead(path: string): Promise<void> {
  const bytes = new Uint8Array(FORMAT_BYTES);
  let count: number;
  try {
    const file = await open(path);
    try {
      count = (await file.read(bytes, 0, FORMAT_BYTES, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
  checkHead(bytes.subarray(0, count), path);
}
