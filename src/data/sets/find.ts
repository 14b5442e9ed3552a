import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compareCodePoints } from '../../core/compareCodePoints.js';
import { DataError } from '../../core/errors.js';
import { checkText, checkTexts } from './checkSet.js';

/** Titles of the sets, and the names of their files in order of preference: unpacked, complete, a part. */
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

/** Whether a choice of data is the name of a set, not a path. */
export const isSetName = (spec: string): boolean => spec === 'shapes' || NAMES.some((name) => name === spec);

/** The first two patterns are folders, which may be passed themselves. */
const FOLDERS = 2;
/** Searched unless VANILLANET_DATA is set. */
const DEFAULT_FOLDERS = ['data'];

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() ?? false;
const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() ?? false;

/** The path of a set in a folder: the folder itself, or an entry with one of the set's names; or null. */
async function findIn(folder: string, name: Name): Promise<string | null> {
  const patterns = SETS[name].files;
  const own = basename(folder);
  if (patterns.slice(0, FOLDERS).some((pattern) => pattern.test(own)) && (await isFolder(folder))) return folder;
  const files = (await readdir(folder).catch((): string[] => [])).sort(compareCodePoints);
  for (const pattern of patterns) {
    const file = files.find((candidate) => pattern.test(candidate));
    if (file !== undefined) return join(folder, file);
  }
  return null;
}

/** The path of the first of several sets that is in a folder; or null. */
async function findAnyIn(folder: string, names: readonly Name[]): Promise<string | null> {
  for (const name of names) {
    const match = await findIn(folder, name);
    if (match !== null) return match;
  }
  return null;
}

/** Whether a file has the name of another set than these. */
const isOtherSet = (path: string, names: readonly Name[]): boolean =>
  NAMES.some((name) => !names.includes(name) && SETS[name].files.some((pattern) => pattern.test(basename(path))));

/** The value of VANILLANET_DATA; null if it is not set. */
function dataVariable(): string | null {
  const { VANILLANET_DATA: value } = process.env;
  return value === undefined || value === '' ? null : value;
}

/** Searches for one of several sets: at VANILLANET_DATA (a file or a folder) if that is set, else in the folders. */
async function find(names: readonly Name[], folders: readonly string[]): Promise<string | null> {
  const path = dataVariable();
  if (path !== null) {
    const match = (await isFile(path)) && !isOtherSet(path, names) ? path : await findAnyIn(path, names);
    if (match !== null) return match;
    const titles = names.map((name) => SETS[name].title).join(' or ');
    const hint = 'Set VANILLANET_DATA to the archive or the folder that it is in, or unset it.';
    throw new DataError({ op: 'VANILLANET_DATA', expected: `${titles}, or a folder with it`, got: path, hint });
  }
  for (const folder of folders) {
    const match = await findAnyIn(folder, names);
    if (match !== null) return match;
  }
  return null;
}

/**
 * Searches for CIFAR-10: at the environment variable VANILLANET_DATA (a file or a folder) if that is set, else in the
 * given folders, by default `./data`.
 *
 * @returns its path, or null
 * @throws DataError if VANILLANET_DATA is set and has no CIFAR-10
 */
export const findCifar10 = async (folders: readonly string[] = DEFAULT_FOLDERS): Promise<string | null> =>
  find(['cifar10'], checkTexts('findCifar10', folders));

/** The default data set: CIFAR-10, or else CIFAR-100, searched for as by `findCifar10`. */
export const findDefault = (): Promise<string | null> => find(NAMES, DEFAULT_FOLDERS);

/**
 * Resolves the name of a data set to a path: an existing path; or `cifar10` or `cifar100`, searched for as by
 * `findCifar10`; or the name of an entry in the folder VANILLANET_DATA, by default `./data`.
 *
 * @returns the path; for anything else the name itself, which opening it will refuse
 * @throws DataError if CIFAR is not found
 */
export async function findData(spec: string): Promise<string> {
  checkText('findData', spec, 'the name or the path of a data set');
  if ((await isFile(spec)) || (await isFolder(spec))) return (await findAnyIn(spec, NAMES)) ?? spec;
  const name = NAMES.find((one) => one === spec);
  if (name !== undefined) {
    const match = await find([name], DEFAULT_FOLDERS);
    if (match !== null) return match;
    const expected = `${SETS[name].title} in ${DEFAULT_FOLDERS[0]}/`;
    throw new DataError({ op: spec, expected, got: 'none', hint: `Download it: vanillanet download ${name}.` });
  }
  const path = join(dataVariable() ?? DEFAULT_FOLDERS[0], spec);
  return (await isFile(path)) || (await isFolder(path)) ? ((await findAnyIn(path, NAMES)) ?? path) : spec;
}
