import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseTar } from 'nanotar';
import { DataError } from '../../core/errors.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { checkTar } from './tarCheck.js';

/** The files of a `.tar.gz`, a `.tar` or a folder. */
export interface Archive {
  /** The path that it was opened with. */
  readonly path: string;
  /** Relative paths of all files, and of all folders with a '/' at the end; separated by '/' on every platform, sorted. */
  readonly names: readonly string[];
  /** Whether it is a folder, with the files at path/name. */
  readonly onDisk: boolean;
  read(name: string): Promise<Uint8Array>;
}

/** No data set is deeper. The limit also ends a cycle of links. */
const MAX_DEPTH = 5;
/** 2 GiB: a limit for hostile files; CIFAR-10 unpacks to 0.18 GB. */
const MAX_UNPACKED = 2 ** 31;

const unzip = promisify(gunzip);

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function listFolder(root: string, prefix = '', depth = 1): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name;
    // A dangling link is listed as a file: reading it fails with its name.
    const link = entry.isSymbolicLink() ? await stat(join(root, name)).catch(() => entry) : entry;
    if (!link.isDirectory()) names.push(name);
    else if (depth < MAX_DEPTH) names.push(`${name}/`, ...(await listFolder(root, `${name}/`, depth + 1)));
  }
  return names;
}

async function openFolder(path: string): Promise<Archive> {
  const names = await listFolder(path).catch((cause: unknown) => {
    throw new DataError({ op: path, expected: 'a readable folder', got: reasonOf(cause) }, { cause });
  });
  return { path, onDisk: true, names: names.sort(byName), read: (name) => readBytes(join(path, name), DataError) };
}

async function gunzipFile(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isGzip && /gz$/i.test(path)) {
    const got = bytes.length === 0 ? 'an empty file' : 'another format';
    throw new DataError({ op: path, expected: 'gzip data', got });
  }
  if (!isGzip) return bytes;
  try {
    return await unzip(bytes, { maxOutputLength: MAX_UNPACKED });
  } catch (cause) {
    const reason = reasonOf(cause);
    const got = reason === 'unexpected end of file' ? 'a truncated file' : reason;
    throw new DataError({ op: path, expected: 'whole gzip data', got }, { cause });
  }
}

async function openTar(path: string): Promise<Archive> {
  const bytes = await gunzipFile(path, await readBytes(path, DataError));
  checkTar(bytes, path);
  // nanotar ignores the offset of a view.
  const buffer = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  const files = new Map<string, Uint8Array>();
  const folders: string[] = [];
  for (const { name, type, data } of parseTar(buffer)) {
    const relative = name.replace(/^\.\//, '');
    if (type === 'directory' && relative !== '') folders.push(relative.replace(/\/?$/, '/'));
    if (type === 'file' || type === 'contiguousFile') files.set(relative, data ?? new Uint8Array(0));
  }
  return {
    path,
    onDisk: false,
    names: [...files.keys(), ...folders].sort(byName),
    read(name) {
      const data = files.get(name);
      if (data !== undefined) return Promise.resolve(data);
      return Promise.reject(new DataError({ op: path, expected: `a member ${name}`, got: 'none of that name' }));
    },
  };
}

/**
 * Opens a tar archive, gzipped or not, or a folder.
 *
 * @throws DataError if the path does not exist, or is no tar archive or a truncated one
 */
export async function openArchive(path: string): Promise<Archive> {
  const stats = await stat(path).catch((cause: unknown) => {
    const hint = 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.';
    throw new DataError({ op: path, expected: 'an archive or a folder', got: reasonOf(cause), hint }, { cause });
  });
  return stats.isDirectory() ? openFolder(path) : openTar(path);
}
