import { lstat, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ParamError } from '../core/errors.js';
import { reasonOf } from './reason.js';

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** Whether a path is a folder, or there is nothing; the reason if neither. */
async function entryAt(path: string): Promise<'folder' | 'nothing' | { readonly reason: string }> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : { reason: `a file: ${path}` };
  } catch (error) {
    const code = codeOf(error);
    // A part of the path above it is a file.
    if (code === 'ENOTDIR') return 'nothing';
    if (code !== 'ENOENT') return { reason: reasonOf(error) };
    const isLink = await lstat(path).then(
      () => true,
      () => false,
    );
    return isLink ? { reason: `a link to nothing: ${path}` } : 'nothing';
  }
}

/** The folders on the way to a path that do not exist yet, the first to create first. */
async function missingFolders(path: string, refuse: (got: string) => never): Promise<string[]> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    const entry = await entryAt(at);
    if (entry === 'folder') return missing;
    if (entry !== 'nothing') return refuse(entry.reason);
    missing.unshift(at);
    // The root of a drive that does not exist.
    if (dirname(at) === at) return refuse('no such file or folder');
  }
}

/** @throws the system's error */
async function createMissing(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    // Another process may have created it.
    if (codeOf(error) === 'EEXIST' && (await entryAt(folder)) === 'folder') return false;
    throw error;
  }
}

/**
 * Creates a folder and those above it. `mkdir` with `recursive` never ends in folders that take none, such as /proc.
 *
 * @param expected what the folder is for, in errors
 * @returns the folders that were created, the outermost first
 * @throws ParamError; then nothing was created
 */
export async function createFolder(path: string, expected = 'a folder'): Promise<readonly string[]> {
  const refuse = (got: string, cause?: unknown): never => {
    throw new ParamError({ op: path, expected, got }, { cause });
  };
  if (path.includes('\0')) refuse('a path with a null character');
  const created: string[] = [];
  for (const folder of await missingFolders(path, refuse)) {
    try {
      if (await createMissing(folder)) created.push(folder);
    } catch (cause) {
      await removeFolders(created);
      refuse(codeOf(cause) === 'ENOENT' ? `a place that takes no folders: ${dirname(folder)}` : reasonOf(cause), cause);
    }
  }
  return created;
}

/** Removes folders that `createFolder` has created, unless something is in them by now. */
export async function removeFolders(created: readonly string[]): Promise<void> {
  for (const folder of [...created].reverse()) await rmdir(folder).catch(() => undefined);
}
