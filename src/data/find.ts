import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError } from '../core/errors.js';

/** Names a set comes under, the best first: unpacked, whole, part. */
const CIFAR10 = [
  /^cifar-10-batches-py$/,
  /^cifar-10-batches-bin$/,
  /^cifar-10-python\.tar\.gz$/,
  /^cifar-10-binary\.tar\.gz$/,
  /^cifar-10-1k-.+\.tar\.gz$/,
];
const CIFAR100 = [
  /^cifar-100-python$/,
  /^cifar-100-binary$/,
  /^cifar-100-python\.tar\.gz$/,
  /^cifar-100-binary\.tar\.gz$/,
];
/** The first two of them are folders, which may be given themselves. */
const FOLDERS = 2;

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() ?? false;
const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() ?? false;

async function setIn(folder: string, patterns: readonly RegExp[]): Promise<string | null> {
  const own = basename(folder);
  if (patterns.slice(0, FOLDERS).some((pattern) => pattern.test(own)) && (await isFolder(folder))) return folder;
  const names = (await readdir(folder).catch((): string[] => [])).sort();
  for (const pattern of patterns) {
    const name = names.find((candidate) => pattern.test(candidate));
    if (name !== undefined) return join(folder, name);
  }
  return null;
}

/** CIFAR-10 in a folder: the folder itself, or what lies in it under one of its names. */
export const cifar10In = (folder: string): Promise<string | null> => setIn(folder, CIFAR10);

/** CIFAR-100 in a folder, as `cifar10In` finds CIFAR-10. */
export const cifar100In = (folder: string): Promise<string | null> => setIn(folder, CIFAR100);

/**
 * Looks for CIFAR-10 where VANILLANET_DATA says (a file or a folder), or else in
 * the given folders, ./data by default.
 *
 * @throws DataError where VANILLANET_DATA names something that is not there.
 */
export async function findCifar10(folders: readonly string[] = ['data']): Promise<string | null> {
  const { VANILLANET_DATA: given } = process.env;
  if (given !== undefined && given !== '') {
    const found = (await isFile(given)) ? given : await cifar10In(given);
    if (found !== null) return found;
    throw new DataError({ op: 'VANILLANET_DATA', expected: 'CIFAR-10, or a folder with it', got: given });
  }
  for (const folder of folders) {
    const found = await cifar10In(folder);
    if (found !== null) return found;
  }
  return null;
}
