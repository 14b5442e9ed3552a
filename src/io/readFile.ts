import { readFile } from 'node:fs/promises';
import { types } from 'node:util';
import type { ErrorFields, VanillaNetError } from '../core/errors.js';

/** The error class of whoever asked: a weight file and a data set fail under their own names. */
export type Refusal = new (fields: ErrorFields, options?: ErrorOptions) => VanillaNetError;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such file or folder',
  EISDIR: 'a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOSPC: 'a full disk',
  EROFS: 'a read-only disk',
  ERR_FS_FILE_TOO_LARGE: 'more than 2 GiB',
};

/** What the system said, in words. */
export function reasonOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return REASONS[code] ?? error.message;
}

/** The whole file, or a `Refusal` that names the path and says what is there instead. */
export async function readBytes(path: string, Refused: Refusal): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Refused({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
}
