import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError } from '../../core/errors.js';

/** What a set is called, and the names that it comes under, the best first: unpacked, whole, part. */
const SETS = {
  cifar10: {
    title: 'CIFAR-10',
    files: [
      /^cifar-10-batches-py$/,
      /^cifar-10-batches-bin$/,
      /^cifar-10-python\.tar\.gz$/,
      /^cifar-10-binary\.tar\.gz$/,
      /^cifar-10-1k-.+\.tar\.gz$/,
    ],
  },
  cifar100: {
    title: 'CIFAR-100',
    files: [/^cifar-100-python$/, /^cifar-100-binary$/, /^cifar-100-python\.tar\.gz$/, /^cifar-100-binary\.tar\.gz$/],
  },
} as const;
type Name = keyof typeof SETS;
const NAMES = Object.keys(SETS) as Name[];

/** The first two of them are folders, which may be given themselves. */
const FOLDERS = 2;
/** Where sets are looked for, unless VANILLANET_DATA says where. */
const DEFAULT_FOLDERS = ['data'];

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() ?? false;
const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() ?? false;

/** A set in a folder: the folder itself, or what lies in it under one of its names. */
async function findIn(folder: string, name: Name): Promise<string | null> {
  const patterns = SETS[name].files;
  const own = basename(folder);
  if (patterns.slice(0, FOLDERS).some((pattern) => pattern.test(own)) && (await isFolder(folder))) return folder;
  const files = (await readdir(folder).catch((): string[] => [])).sort();
  for (const pattern of patterns) {
    const file = files.find((candidate) => pattern.test(candidate));
    if (file !== undefined) return join(folder, file);
  }
  return null;
}

/** The first of some sets that is in a folder. */
async function findAnyIn(folder: string, names: readonly Name[]): Promise<string | null> {
  for (const name of names) {
    const found = await findIn(folder, name);
    if (found !== null) return found;
  }
  return null;
}

/** A file that by its name is a set beside these. */
const isOtherSet = (path: string, names: readonly Name[]): boolean =>
  NAMES.some((name) => !names.includes(name) && SETS[name].files.some((pattern) => pattern.test(basename(path))));

/** What VANILLANET_DATA names; null where it is not set. */
function dataVariable(): string | null {
  const { VANILLANET_DATA: value } = process.env;
  return value === undefined || value === '' ? null : value;
}

/** One of some sets, where VANILLANET_DATA says (a file or a folder), or else in the given folders. */
async function find(names: readonly Name[], folders: readonly string[]): Promise<string | null> {
  const said = dataVariable();
  if (said !== null) {
    const found = (await isFile(said)) && !isOtherSet(said, names) ? said : await findAnyIn(said, names);
    if (found !== null) return found;
    const titles = names.map((name) => SETS[name].title).join(' or ');
    throw new DataError({ op: 'VANILLANET_DATA', expected: `${titles}, or a folder with it`, got: said });
  }
  for (const folder of folders) {
    const found = await findAnyIn(folder, names);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Looks for CIFAR-10 where VANILLANET_DATA says (a file or a folder), or else in
 * the given folders, ./data by default.
 *
 * @throws DataError where VANILLANET_DATA names something that is not there.
 */
export const findCifar10 = (folders: readonly string[] = DEFAULT_FOLDERS): Promise<string | null> =>
  find(['cifar10'], folders);

/** The set to take where none is named: CIFAR-10, or else CIFAR-100, as `findCifar10` looks for it. */
export const findDefault = (): Promise<string | null> => find(NAMES, DEFAULT_FOLDERS);

/**
 * The path of what a user calls a set: a path; or `cifar10` or `cifar100`, which are looked
 * for as `findCifar10` does; or the name of something in the folder of VANILLANET_DATA, or
 * else in ./data. What is there under the very path comes first.
 *
 * @throws DataError for CIFAR that is nowhere; another path is for the one who opens it.
 */
export async function findData(spec: string): Promise<string> {
  if ((await isFile(spec)) || (await isFolder(spec))) return (await findAnyIn(spec, NAMES)) ?? spec;
  const name = NAMES.find((one) => one === spec);
  if (name !== undefined) {
    const found = await find([name], DEFAULT_FOLDERS);
    if (found !== null) return found;
    const expected = `${SETS[name].title} in ${DEFAULT_FOLDERS[0]}/ (npx vanillanet download ${name} puts it there)`;
    throw new DataError({ op: spec, expected, got: 'none' });
  }
  const path = join(dataVariable() ?? DEFAULT_FOLDERS[0], spec);
  return (await isFile(path)) || (await isFolder(path)) ? ((await findAnyIn(path, NAMES)) ?? path) : spec;
}
