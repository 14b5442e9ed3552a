import { open } from 'node:fs/promises';
import { DataError } from '../../core/errors.js';
import { FORMAT_BYTES, imageFormat } from '../../image/imageFormat.js';
import { reasonOf } from '../../io/reason.js';

/**
 * Accepts only PNG, JPEG and WebP. sharp reads more formats, among them SVG, which can refer to other files.
 *
 * @throws DataError if the first bytes are those of another format
 */
export function checkHead(bytes: Uint8Array, name: string): void {
  if (imageFormat(bytes) !== null) return;
  const got = bytes.length === 0 ? 'an empty file' : 'other bytes';
  throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got });
}

/** Checks the first bytes of a file, without reading the rest. @throws DataError as `checkHead` does */
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
