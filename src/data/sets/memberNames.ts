/** Checks of the names in an archive or a folder. */
import { DataError } from '../../core/errors.js';
import { normalizeName } from './normalizeName.js';

/** Limits of paths: folders of a path, and Linux's length. */
export const MAX_DEPTH = 16;
const MAX_LENGTH = 4096;
/** Characters of a name in an error. */
export const SHOWN_LENGTH = 256;

/**
 * A name in an archive as a path relative to its root, without `.` and empty parts; folders end with '/', and the root
 * itself is ''.
 *
 * @param at where the member is, for a name that cannot be shown
 * @throws DataError for a name that is empty, absolute, or leads out of the archive
 */
export function relativePath(name: string, isFolder: boolean, archive: string, at: number): string {
  const refuse = (expected: string, got: string, hint?: string): never => {
    const member = name === '' ? `the member at byte ${at}` : name.slice(0, SHOWN_LENGTH);
    throw new DataError({ op: `${archive}: ${member}`, expected, got, hint });
  };
  const packAgain = 'Unpack the archive, rename the file, and pack it again.';
  if (name === '') refuse('a name', 'an empty one', 'The archive may be damaged: make or download it again.');
  if (name.length > MAX_LENGTH) refuse(`a path of at most ${MAX_LENGTH} characters`, `${name.length}`, packAgain);
  if (name.includes('\0')) refuse('a name without NUL', JSON.stringify(name), packAgain);
  if (name.startsWith('/')) refuse('a relative path', 'an absolute one', 'Pack it without -P (--absolute-names).');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    refuse("a path inside the archive, without '..'", name, 'Pack the folder itself: tar -C FOLDER -cf OUT.tar .');
  if (parts.length > MAX_DEPTH + 1) {
    refuse(`at most ${MAX_DEPTH} levels of folders`, `${parts.length - 1}`, 'Move the pictures further up.');
  }
  const path = parts.join('/');
  if (path === '' && !isFolder) refuse('the name of a file', name, packAgain);
  return isFolder && path !== '' ? `${path}/` : path;
}

/** The folder above a file or a folder, with a '/' at the end: '' for the first part of a path. */
export const parentFolder = (path: string): string => path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);

const withoutSlash = (name: string): string => name.replace(/\/$/, '');

/**
 * @param names of files and of folders, which end with '/'
 * @param hint what to do about two of one name
 * @throws DataError for two names that are the same, or the same after Unicode normalization (NFC)
 */
export function checkDistinct(path: string, names: readonly string[], hint: string): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = normalizeName(withoutSlash(name));
    const other = seen.get(key);
    if (other !== undefined) {
      const got =
        other === name
          ? 'two of this name'
          : withoutSlash(other) === withoutSlash(name)
            ? 'a file and a folder of this name'
            : `also ${JSON.stringify(other)}, the same name in Unicode's NFC`;
      throw new DataError({ op: `${path}: ${name}`, expected: 'one file or folder of each name', got, hint });
    }
    seen.set(key, name);
  }
}
