import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '../../core/compareCodePoints.js';
import { DataError } from '../../core/errors.js';
import { MAX_FILE, readBytes } from '../../io/readFile.js';
import { hintOf, reasonOf } from '../../io/reason.js';
import { checkPath } from '../checkPath.js';
import { checkTarStart, isGzip } from './archiveStart.js';
import { escapeBytes, isUtf8 } from './escapeBytes.js';
import { FolderWalk, LINK_TO_ABOVE } from './folderWalk.js';
import { gunzipArchive } from './gunzipArchive.js';
import { checkDistinct } from './memberNames.js';
import { readTar } from './tar.js';
import { TarTree } from './tarTree.js';

/** The files of a `.tar.gz`, a `.tar` or a folder. */
export interface Archive {
  /** The path that it was opened with. */
  readonly path: string;
  /**
   * Relative paths of all files, and of all folders with a '/' at the end; separated by '/' on every platform, sorted by
   * code points. Links are files or folders, as what they lead to. Members that are no files, and links that lead nowhere,
   * are among them: reading them fails.
   */
  readonly names: readonly string[];
  /** Links that lead nowhere, or to a folder that they are in, and why. */
  readonly brokenLinks: ReadonlyMap<string, string>;
  /** Whether it is a folder, with the files at path/name. */
  readonly onDisk: boolean;
  read(name: string): Promise<Uint8Array>;
}

/** The names in a folder. @throws DataError for one that is not in UTF-8, which Node would change */
async function namesIn(root: string, prefix: string): Promise<Awaited<ReturnType<typeof readEntries>>> {
  const folder = join(root, prefix);
  const entries = await readEntries(folder);
  // The replacement character of the decoder, or one in the name itself.
  if (entries.some(({ name }) => name.includes('\ufffd'))) {
    const invalid = (await readdir(folder, { encoding: 'buffer' })).find((name) => !isUtf8(name));
    if (invalid !== undefined) {
      const name = escapeBytes(invalid);
      const hint = 'Rename it; convmv -r -f latin1 -t utf8 --notest FOLDER renames all such files of a folder.';
      throw new DataError({ op: `${root}: ${prefix}${name}`, expected: 'a name in UTF-8', got: `'${name}'`, hint });
    }
  }
  return entries;
}

const readEntries = (folder: string) => readdir(folder, { withFileTypes: true });

/** The identity of a folder, to find links to a folder above. */
const identityOf = async (path: string): Promise<string> => {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev} ${ino}`;
};

/** What is below a folder. */
class FolderListing {
  readonly names: string[] = [];
  readonly brokenLinks = new Map<string, string>();
  private readonly walk: FolderWalk;

  constructor(private readonly root: string) {
    this.walk = new FolderWalk(root);
  }

  async addAll(): Promise<void> {
    await this.add('', [await identityOf(this.root)]);
  }

  /** @param path identities of the folder itself and of those that it is in */
  private async add(prefix: string, path: readonly string[]): Promise<void> {
    const isRepeated = this.walk.enter(path[path.length - 1], prefix, path.length - 1);
    for (const entry of await namesIn(this.root, prefix)) {
      const name = prefix + entry.name;
      if (isRepeated) this.walk.addRepeated(name);
      const target = entry.isSymbolicLink() ? await this.followLink(name) : entry;
      if (target === null) continue;
      if (target.isDirectory()) await this.addFolder(name, path);
      else this.names.push(name);
    }
  }

  /** What a link leads to; null if that is nowhere. */
  private async followLink(name: string) {
    try {
      return await stat(join(this.root, name));
    } catch (error) {
      this.names.push(name);
      this.brokenLinks.set(name, `one that leads nowhere (${reasonOf(error)})`);
      return null;
    }
  }

  private async addFolder(name: string, path: readonly string[]): Promise<void> {
    const identity = await identityOf(join(this.root, name));
    if (path.includes(identity)) {
      this.names.push(name);
      this.brokenLinks.set(name, LINK_TO_ABOVE);
      return;
    }
    this.names.push(`${name}/`);
    await this.add(`${name}/`, [...path, identity]);
  }
}

async function openFolder(path: string): Promise<Archive> {
  const listing = new FolderListing(path);
  await listing.addAll().catch((cause: unknown) => {
    if (cause instanceof DataError) throw cause;
    const hint = 'Check its permissions, and those of all folders in it.';
    throw new DataError({ op: path, expected: 'a readable folder', got: reasonOf(cause), hint }, { cause });
  });
  const { names, brokenLinks } = listing;
  checkDistinct(path, names, 'Rename one of them.');
  const read = (name: string): Promise<Uint8Array> => readBytes(join(path, name), DataError);
  return { path, onDisk: true, names: names.sort(compareCodePoints), brokenLinks, read };
}

/** @param size of the file */
async function openTar(path: string, size: number): Promise<Archive> {
  const checkHead = (head: Uint8Array): void => {
    if (!isGzip(head)) checkTarStart(path, head);
    if (size <= MAX_FILE) return;
    const got = `${(size / 2 ** 30).toFixed(1)} GiB`;
    const hint = 'Unpack it with tar, and pass the folder.';
    throw new DataError({ op: path, expected: 'an archive of less than 2 GiB', got, hint });
  };
  const bytes = await gunzipArchive(path, await readBytes(path, DataError, { checkHead }));
  checkTarStart(path, bytes);
  const tree = new TarTree(await readTar(bytes, path), path);
  const { names, brokenLinks } = tree.list();
  const read = (name: string): Uint8Array => tree.read(name);
  return {
    path,
    onDisk: false,
    names: names.sort(compareCodePoints),
    brokenLinks,
    read: (name) => Promise.resolve(name).then(read),
  };
}

/**
 * Opens a tar archive, gzipped or not, or a folder.
 *
 * @param location a path, or a `file:` URL
 * @param op the name of the path in errors about it
 * @throws DataError if the path does not exist, or is no tar archive or a truncated one; naming the member or file for
 *   one that is twice in it, also under names that are the same in Unicode's NFC, or a member that cannot be read;
 *   ParamError for another URL
 */
export async function openArchive(location: string, op = 'data'): Promise<Archive> {
  const path = checkPath(op, location);
  const stats = await stat(path).catch((cause: unknown) => {
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(String((cause as NodeJS.ErrnoException).code));
    const hint = isMissing ? 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.' : hintOf(cause);
    throw new DataError({ op: path, expected: 'an archive or a folder', got: reasonOf(cause), hint }, { cause });
  });
  return stats.isDirectory() ? openFolder(path) : openTar(path, stats.size);
}
