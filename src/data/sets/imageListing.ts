/**
 * Finds the classes and pictures of an image folder as torchvision's ImageFolder does: a class is a folder, its pictures
 * are the files under it with an extension of a picture, other files are passed over. Beyond torchvision, the folder
 * with the classes is searched for, and train, val and test share their classes.
 */
import { compareCodePoints } from '../../core/compareCodePoints.js';
import { DataError } from '../../core/errors.js';
import type { Archive } from './archive.js';
import { BROKEN_LINK_HINT } from './folderWalk.js';
import { findRoot, foldersAbove, type SplitOptions } from './imageRoots.js';
import { listNames } from './listNames.js';
import { normalizeName } from './normalizeName.js';
import { splitByClass } from './splitByClass.js';

export type { SplitOptions } from './imageRoots.js';

export interface Listing {
  /** In Unicode's NFC, sorted by code points, as Python sorts. */
  readonly classNames: readonly string[];
  /** By class, then by folder, then by name. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly splitSource?: 'whole' | 'drawn';
}

/** The extensions of torchvision's ImageFolder, in lower case. Formats that are not decoded are refused by name. */
export const PICTURE_EXTENSIONS: readonly string[] = [
  ...['.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp'],
];

/**
 * Whether a name is that of a picture, by its extension. macOS writes companions named `._…` into archives, which are no
 * pictures.
 */
export const isPicture = (name: string): boolean =>
  PICTURE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension)) && !/(^|\/)\._[^/]*$/.test(name);

/** Whether a name is in a hidden folder, such as `.git`, which is no class. */
const isInHiddenFolder = (name: string): boolean => /(^|\/)\.[^/]*\//.test(name);

/** The name of the class folder under a root, without Unicode normalization; null for a file outside of class folders. */
function folderIn(root: string, name: string): string | null {
  const end = name.indexOf('/', root.length);
  return name.startsWith(root) && end > root.length ? name.slice(root.length, end) : null;
}

/** The class of a file under a root; null for a file outside of class folders. */
function classIn(root: string, name: string): string | null {
  const folder = folderIn(root, name);
  return folder === null ? null : normalizeName(folder);
}

/** The classes of all files under some roots, of which none is in another. */
function classesOf(files: readonly string[], roots: readonly string[]): string[] {
  const isRoot = new Set(roots);
  return files
    .map((file) => ['', ...foldersAbove(file)].find((folder) => isRoot.has(folder)))
    .map((root, i) => (root === undefined ? null : classIn(root, files[i])))
    .filter((name) => name !== null);
}

/** The folder and the name of a file. */
const parts = (file: string): readonly [string, string] => {
  const end = file.lastIndexOf('/');
  return [file.slice(0, end), file.slice(end + 1)];
};

/** Compares files of a class as torchvision does, which walks through the sorted folders. */
function compareFiles(a: string, b: string): number {
  const [[folderA, nameA], [folderB, nameB]] = [parts(a), parts(b)];
  return compareCodePoints(folderA, folderB) || compareCodePoints(nameA, nameB);
}

/** @throws DataError naming the class folders without pictures */
function checkEmptyClasses(path: string, root: string, names: readonly string[], classes: ReadonlySet<string>): void {
  const folders = names.map((name) => folderIn(root, name)).filter((folder) => folder !== null);
  const empty = [...new Set(folders)].filter((folder) => !classes.has(normalizeName(folder))).sort(compareCodePoints);
  if (empty.length === 0) return;
  throw new DataError({
    op: `${path}: ${root}${empty[0]}/`,
    expected: `a picture in each class folder (${PICTURE_EXTENSIONS.join(', ')})`,
    got: `none in ${listNames(empty)}`,
    hint: 'Remove the empty folders, or put pictures into them.',
  });
}

/**
 * Refuses links that may be class folders and lead nowhere: their pictures would be missing without a word. Links with
 * names of pictures are refused when they are read, and hidden ones are passed over.
 */
function checkLinks(path: string, names: readonly string[], brokenLinks: ReadonlyMap<string, string>): void {
  const link = names.find((name) => brokenLinks.has(name) && !isPicture(name) && !/(^|\/)\.[^/]*$/.test(name));
  if (link === undefined) return;
  const got = brokenLinks.get(link) ?? '';
  throw new DataError({
    op: `${path}: ${link}`,
    expected: 'a link to a file or a folder',
    got,
    hint: BROKEN_LINK_HINT,
  });
}

/**
 * Lists the pictures of a split and their classes.
 *
 * @throws DataError if there are no class folders, class folders without pictures, more than one root, or links that lead
 *   nowhere
 */
export function listImages({ names, path, brokenLinks }: Archive, options: SplitOptions): Listing {
  const { split, valSplit, seed = 0 } = options;
  const visible = names.filter((name) => !isInHiddenFolder(name));
  checkLinks(path, visible, brokenLinks);
  const pictures = visible.filter(isPicture);
  const { root, all, hasSplitFolders } = findRoot(visible, pictures, path, options);

  const classesHere = new Set(classesOf(pictures, [root]));
  checkEmptyClasses(path, root, visible, classesHere);
  const classNames = [...new Set(classesOf(pictures, all))].sort(compareCodePoints);
  const indices = new Map(classNames.map((name, i) => [name, i]));
  const labeled = pictures
    .map((file) => ({ file, label: indices.get(classIn(root, file) ?? '') }))
    .filter((one): one is { file: string; label: number } => one.label !== undefined)
    .sort((a, b) => a.label - b.label || compareFiles(a.file, b.file));
  const files = labeled.map(({ file }) => file);
  const labels = Int32Array.from(labeled, ({ label }) => label);

  if (hasSplitFolders || split === undefined) return { classNames, files, labels };
  if (valSplit === undefined) return { classNames, files, labels, splitSource: 'whole' };
  const heldOut = splitByClass(labels, valSplit, seed);
  const isSelected = (_: unknown, i: number): boolean => heldOut[i] === (split !== 'train');
  return { classNames, files: files.filter(isSelected), labels: labels.filter(isSelected), splitSource: 'drawn' };
}
