import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseTar } from 'nanotar';
import { DataError } from '../../core/errors.js';
import { readBytes } from '../../io/readFile.js';
import { reasonOf } from '../../io/reason.js';
import { checkTar } from './tarCheck.js';

/** Files by name, out of a `.tar.gz`, a `.tar` or a folder. */
export interface Archive {
  /** The path it was opened by. */
  readonly path: string;
  /** Every file, and every folder with a '/' at its end: relative, with '/' between, sorted. */
  readonly names: readonly string[];
  /** It is a folder: the files are at path/name. */
  readonly onDisk: boolean;
  read(name: string): Promise<Uint8Array>;
}

/** Data sets are never deeper, and a link to a parent folder must end somewhere. */
const MAX_DEPTH = 5;
/** A hostile kilobyte can unpack to a gigabyte; CIFAR-10 unpacks to 0.18. */
const MAX_UNPACKED = 2 ** 31;

const unzip = promisify(gunzip);

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function listFolder(root: string, prefix = '', depth = 1): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name;
    // A dangling link is a name without a file; reading it says so.
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
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!zipped && /gz$/i.test(path)) {
    const got = bytes.length === 0 ? 'an empty file' : 'another beginning: it is not gzipped';
    throw new DataError({ op: path, expected: 'gzip data', got });
  }
  if (!zipped) return bytes;
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
  // nanotar reads a view's whole buffer, wherever the view begins.
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  const files = new Map<string, Uint8Array>();
  const folders: string[] = [];
  for (const { name, type, data } of parseTar(whole)) {
    const plain = name.replace(/^\.\//, '');
    if (type === 'directory' && plain !== '') folders.push(plain.replace(/\/?$/, '/'));
    if (type === 'file' || type === 'contiguousFile') files.set(plain, data ?? new Uint8Array(0));
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
 * Opens what a data set comes in.
 *
 * @throws DataError where there is nothing, or it is cut short or no tar archive.
 */
export async function openArchive(path: string): Promise<Archive> {
  const there = await stat(path).catch((cause: unknown) => {
    throw new DataError({ op: path, expected: 'an archive or a folder', got: reasonOf(cause) }, { cause });
  });
  return there.isDirectory() ? openFolder(path) : openTar(path);
}
