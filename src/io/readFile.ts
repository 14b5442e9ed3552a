import type { FileHandle } from 'node:fs/promises';
import { VanillaNetError, type ErrorClass } from '../core/errors.js';
import { HEAD } from './fileKind.js';
import { GrowingBuffer } from './growingBuffer.js';
import { displayName } from './location.js';
import { openFile } from './openFile.js';
import { hintOf, reasonOf } from './reason.js';

/** The default limit in bytes. */
export const MAX_FILE = 2 ** 31 - 1;
/** Bytes per read of a pipe. */
const CHUNK = 2 ** 16;

export interface ReadFileOptions {
  /** The most bytes. Default 2^31 - 1. */
  readonly limit?: number;
  /** Called with the first bytes, `HEAD` or all, before the rest is read; throws to refuse the file. */
  readonly checkHead?: (head: Uint8Array) => void;
}

/** Fills bytes from the current position of a file. @returns the number of bytes; fewer only at the end */
async function fill(file: FileHandle, bytes: Uint8Array): Promise<number> {
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

/** The rest of a file of a known size after its first bytes. Bytes that are appended meanwhile are not read. */
async function readRest(file: FileHandle, head: Uint8Array, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  bytes.set(head);
  return bytes.subarray(0, head.length + (await fill(file, bytes.subarray(head.length))));
}

/** The rest of a pipe after its first bytes: to its end, or to a little more than the limit. */
async function drain(file: FileHandle, head: Uint8Array, limit: number): Promise<Uint8Array> {
  const buffer = new GrowingBuffer();
  buffer.add(head);
  const chunk = new Uint8Array(CHUNK);
  while (buffer.length <= limit) {
    const { bytesRead } = await file.read(chunk);
    if (bytesRead === 0) break;
    buffer.add(chunk.subarray(0, bytesRead));
  }
  return buffer.bytes;
}

/**
 * The content of a file, or of a pipe that is open, such as /dev/stdin. Memory is allocated for it after its size and its
 * first bytes have been checked.
 *
 * @throws an error of the class `Refused` that names the path; an error of `checkHead`
 */
export async function readBytes(
  path: string,
  Refused: ErrorClass,
  { limit = MAX_FILE, checkHead }: ReadFileOptions = {},
): Promise<Uint8Array> {
  const op = displayName(path);
  const checkSize = (size: number): void => {
    if (size <= limit) return;
    const hint = 'Files of this kind are smaller: check whether it is the right one.';
    throw new Refused({ op, expected: `a file of at most ${limit} bytes`, got: `${size} bytes`, hint });
  };
  try {
    const { file, size } = await openFile(path);
    try {
      const first = new Uint8Array(Math.min(HEAD, size ?? HEAD));
      const head = first.subarray(0, await fill(file, first));
      checkHead?.(head);
      if (size !== null) {
        checkSize(size);
        return await readRest(file, head, size);
      }
      const bytes = await drain(file, head, limit);
      checkSize(bytes.length);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof VanillaNetError) throw cause;
    throw new Refused({ op, expected: 'a readable file', got: reasonOf(cause), hint: hintOf(cause) }, { cause });
  }
}
