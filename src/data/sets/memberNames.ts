/** Checks of the names in an archive or a folder. */
import { DataError } from '../../core/errors.js';
import { normalizeName } from './normalizeName.js';

/** Limits of paths: folders of a path, and Linux's length. */
export const MAX_DEPTH = 16;
const MAX_LENGTH = 4096;
/** Characters of a name in an error. */
const SHOWN_LENGTH = 256;

/**
 * A name in an archive as a path relative to its root, without `.` and empty parts; folders end with '/', and the root
 * itself is ''.
 *
 * @param at where the member is, for a name that cannot be shown
 * @throws DataError for a name that is empty, absolute, not in UTF-8, or leads out of the archive
 */
export function relativePath(name: string, isFolder: boolean, archive: string, at: number): string {
  const refuse = (expected: string, got: string, hint?: string): never => {
    const member = name === '' ? `the member at byte ${at}` : name.slice(0, SHOWN_LENGTH);
    throw new DataError({ op: `${archive}: ${member}`, expected, got, hint });
  };
  if (name === '') refuse('a name', 'an empty one');
  if (name.length > MAX_LENGTH) refuse(`a path of at most ${MAX_LENGTH} characters`, `${name.length}`);
  if (name.includes('\0')) refuse('a name without NUL', JSON.stringify(name));
  // The replacement character of the decoder.
  if (name.includes('\ufffd')) {
    refuse('a name in UTF-8', 'other bytes', 'Unpack the archive, rename the file, and pack it again.');
  }
  if (name.startsWith('/')) refuse('a relative path', 'an absolute one', 'Pack it without -P (--absolute-names).');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) refuse("a path inside the archive, without '..'", name);
  if (parts.length > MAX_DEPTH + 1) refuse(`at most ${MAX_DEPTH} levels of folders`, `${parts.length - 1}`);
  const path = parts.join('/');
  if (path === '' && !isFolder) refuse('the name of a file', name);
  return isFolder && path !== '' ? `${path}/` : path;
}

/** @throws DataError for two names that are the same, or the same after Unicode normalization (NFC) */
export function checkDistinct(path: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = normalizeName(name).replace(/\/$/, '');
    const other = seen.get(key);
    if (other !== undefined) {
      const got = other === name ? 'two of this name' : `also ${JSON.stringify(other)}, the same name in Unicode's NFC`;
      throw new DataError({ op: `${path}: ${name}`, expected: 'one file or folder of each name', got });
    }
    seen.set(key, name);
  }
}
