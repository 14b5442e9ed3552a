import { open, stat } from 'node:fs/promises';
import { DataError } from '../core/errors.js';
import { reasonOf } from '../io/reason.js';

/** What a path leads to that is no file. */
interface Stats {
  isFile(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

/** What is at a path, for `got` in an error; null for a file. */
export function otherThanFile(stats: Stats): string | null {
  if (stats.isFile()) return null;
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/**
 * The first bytes of a file, and its size. Pipes and devices are not opened: reading them may never end.
 *
 * @throws DataError with the path for what is no file, or cannot be read
 */
export async function readHead(
  path: string,
  length: number,
): Promise<{ readonly head: Uint8Array; readonly size: number }> {
  const refuse = (cause: unknown): never => {
    throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  };
  const stats = await stat(path).catch(refuse);
  const other = otherThanFile(stats);
  if (other !== null) {
    throw new DataError({
      op: path,
      expected: 'a readable file',
      got: other,
      hint: other === 'a folder' ? 'Pass the path of a file.' : 'Save the content in a file, and pass its path.',
    });
  }
  const head = new Uint8Array(length);
  const file = await open(path).catch(refuse);
  try {
    const { bytesRead } = await file.read(head, 0, length, 0).catch(refuse);
    return { head: head.subarray(0, bytesRead), size: stats.size };
  } finally {
    await file.close();
  }
}
