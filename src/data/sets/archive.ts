import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '../../core/compareCodePoints.js';
import { DataError } from '../../core/errors.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { gunzipArchive } from './gunzipArchive.js';
import { checkDistinct, MAX_DEPTH } from './memberNames.js';
import { readTar, type TarMember } from './tar.js';
import { readMember } from './tarFiles.js';

/** The files of a `.tar.gz`, a `.tar` or a folder. */
export interface Archive {
  /** The path that it was opened with. */
  readonly path: string;
  /**
   * Relative paths of all files, and of all folders with a '/' at the end; separated by '/' on every platform, sorted by
   * code points. Members that are no files, and links that lead nowhere, are among them: reading them fails.
   */
  readonly names: readonly string[];
  /** Whether it is a folder, with the files at path/name. */
  readonly onDisk: boolean;
  read(name: string): Promise<Uint8Array>;
}

/** The identity of a folder, to find links to a folder above. */
const identityOf = async (path: string): Promise<string> => {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev} ${ino}`;
};

/**
 * Adds the names below a folder to `names`.
 *
 * @param above the folder itself and those that it is in
 */
async function listFolder(root: string, prefix: string, above: readonly string[], names: string[]): Promise<void> {
  if (above.length > MAX_DEPTH + 1) {
    throw new DataError({ op: `${root}: ${prefix}`, expected: `at most ${MAX_DEPTH} levels of folders`, got: 'more' });
  }
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name;
    // A dangling link is listed as a file: reading it fails with its name.
    const link = entry.isSymbolicLink() ? await stat(join(root, name)).catch(() => entry) : entry;
    if (!link.isDirectory()) {
      names.push(name);
      continue;
    }
    const identity = await identityOf(join(root, name));
    if (above.includes(identity)) continue;
    names.push(`${name}/`);
    await listFolder(root, `${name}/`, [...above, identity], names);
  }
}

async function openFolder(path: string): Promise<Archive> {
  const names: string[] = [];
  const list = async (): Promise<void> => listFolder(path, '', [await identityOf(path)], names);
  await list().catch((cause: unknown) => {
    if (cause instanceof DataError) throw cause;
    throw new DataError({ op: path, expected: 'a readable folder', got: reasonOf(cause) }, { cause });
  });
  checkDistinct(path, names);
  return {
    path,
    onDisk: true,
    names: names.sort(compareCodePoints),
    read: (name) => readBytes(join(path, name), DataError),
  };
}

/** The names of all members, and of folders that the archive has no member for. Folders may occur more than once. */
function namesOf(members: readonly TarMember[], path: string): string[] {
  const folders = new Set(members.filter(({ type }) => type === 'directory').map(({ name }) => name));
  const files = members.filter(({ type }) => type !== 'directory').map(({ name }) => name);
  for (const name of files) {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const folder = name.slice(0, end + 1);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  folders.delete('');
  const names = [...files, ...folders];
  checkDistinct(path, names);
  return names.sort(compareCodePoints);
}

async function openTar(path: string): Promise<Archive> {
  const members = await readTar(await gunzipArchive(path, await readBytes(path, DataError)), path);
  const names = namesOf(members, path);
  const byName = new Map(members.map((member) => [member.name, member]));
  const read = (name: string): Uint8Array => readMember(byName, name, path);
  return { path, onDisk: false, names, read: (name) => Promise.resolve(name).then(read) };
}

/**
 * Opens a tar archive, gzipped or not, or a folder.
 *
 * @throws DataError if the path does not exist, or is no tar archive or a truncated one; naming the member or file for
 *   one that is twice in it, also under names that are the same in Unicode's NFC, or a member that cannot be read
 */
export async function openArchive(path: string): Promise<Archive> {
  const stats = await stat(path).catch((cause: unknown) => {
    const hint = 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.';
    throw new DataError({ op: path, expected: 'an archive or a folder', got: reasonOf(cause), hint }, { cause });
  });
  return stats.isDirectory() ? openFolder(path) : openTar(path);
}
