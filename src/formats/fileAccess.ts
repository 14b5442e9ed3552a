import type { FileHandle } from 'node:fs/promises';
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { displayName } from '../io/location.js';
import { openFile } from '../io/openFile.js';
import { hintOf, reasonOf } from '../io/reason.js';
import type { RandomAccess } from './foreignFile.js';

const CUT_HINT = 'Download, copy or export the file again.';

/** The error for a file that ends early. */
export const cutError = (name: string, end: number, size: number): WeightsError =>
  new WeightsError({
    op: name,
    expected: `at least ${end} bytes`,
    got: `${size} bytes: it is cut short or damaged`,
    hint: CUT_HINT,
  });

/** @throws WeightsError unless a part lies in a file */
export function checkRange({ name, size }: Pick<RandomAccess, 'name' | 'size'>, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw cutError(name, offset + length, size);
}

/** A file on the disk that is open. */
export const accessOf = (name: string, size: number, file: FileHandle): RandomAccess => ({
  name,
  size,
  async read(offset, length) {
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch((cause: unknown) => {
        throw unreadable(name, cause);
      });
      // Somebody has cut the file since it was opened.
      if (bytesRead === 0) throw cutError(name, offset + length, offset + done);
      done += bytesRead;
    }
    return bytes;
  },
});

const unreadable = (op: string, cause: unknown): WeightsError =>
  new WeightsError({ op, expected: 'a readable file', got: reasonOf(cause), hint: hintOf(cause) }, { cause });

export type OpenAccess = RandomAccess & {
  /** Where it is, and what it names lies beside; absent for a copy. */
  readonly path?: string;
  close(): Promise<void>;
};

/**
 * Opens a file for reading at any position.
 *
 * @returns null for a pipe, and for a file without a size, such as those of /proc
 * @throws WeightsError that names the path if it cannot be opened
 */
export async function openFileAccess(path: string): Promise<OpenAccess | null> {
  const name = displayName(path);
  try {
    const { file, size } = await openFile(path);
    if (size !== null) return { ...accessOf(name, size, file), path, close: () => file.close() };
    await file.close();
    return null;
  } catch (cause) {
    throw cause instanceof VanillaNetError ? cause : unreadable(name, cause);
  }
}

/** Bytes in memory. */
export const bytesAccess = (name: string, bytes: Uint8Array): RandomAccess => ({
  name,
  size: bytes.length,
  read(offset, length) {
    return Promise.resolve().then(() => {
      checkRange(this, offset, length);
      return bytes.subarray(offset, offset + length);
    });
  },
});

/** A part of a file. */
export const partOf = (file: RandomAccess, name: string, start: number, size: number): RandomAccess => ({
  name,
  size,
  async read(offset, length) {
    checkRange(this, offset, length);
    return file.read(start + offset, length);
  },
});
