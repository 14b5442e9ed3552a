/** Finds the folders that contain class folders. */
import { DataError, ParamError } from '../../core/errors.js';
import type { FolderSplit } from './dataset.js';
import { listNames } from './listNames.js';
import { parentFolder } from './memberNames.js';
import { normalizeName } from './normalizeName.js';

/** Selects images of a folder. */
export interface SplitOptions {
  /**
   * The folder of a split: `train` or `training`; `val`, `valid` or `validation`; `test` or `testing`, in any case. If
   * only one of val and test exists, both select it. Without such folders, every split is the whole set.
   */
  readonly split?: FolderSplit;
  /**
   * The share of each class to hold out, in [0, 1), if there is no val or test folder; `train` selects the rest.
   * Default: nothing is held out.
   */
  readonly valSplit?: number;
  /** Whether to refuse `valSplit` where it has no effect: for a set with images to validate on. Default false. */
  readonly requireValSplit?: boolean;
  /** Seed of `valSplit`. Default 0. */
  readonly seed?: number;
}

export interface Roots {
  /** The folder with the classes of the selected split: '' or a path that ends with '/'. */
  readonly root: string;
  /** The roots of all splits. They share their classes: a class has the same index in each, with or without images. */
  readonly all: readonly string[];
  /** Whether the selected split has its own folder. */
  readonly hasSplitFolders: boolean;
}

/** Refuses a share to hold out of a set that has images to validate on. @throws ParamError always */
export function refuseValSplit(path: string, got: string): never {
  const hint =
    'Omit it: these are the images to validate on. A share is held out only of a folder without val and test.';
  throw new ParamError({
    op: 'valSplit',
    expected: 'a set without images to validate on',
    got: `${got} of ${path}`,
    hint,
  });
}

/** Names of the splits' folders, in lower case. */
const FOLDER_NAMES: Readonly<Record<FolderSplit, readonly string[]>> = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
};
const ALL_NAMES = Object.values(FOLDER_NAMES).flat();

/** The splits whose folders are used for a split, in order of preference. */
const PREFERENCE: Readonly<Record<FolderSplit, readonly FolderSplit[]>> = {
  train: ['train'],
  val: ['val', 'test'],
  test: ['test', 'val'],
};

/** The last part of a folder's path, in lower case. */
const baseName = (folder: string): string => folder.slice(parentFolder(folder).length, -1).toLowerCase();

/** All folders above a file, the outermost first: 'a/' and 'a/b/' for a/b/c. */
export function foldersAbove(file: string): string[] {
  const folders: string[] = [];
  for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) folders.push(file.slice(0, at + 1));
  return folders;
}

/** The folders with pictures of their own. */
function foldersOf(pictures: readonly string[]): Set<string> {
  const folders = new Set(pictures.map(parentFolder));
  folders.delete('');
  return folders;
}

/** Folders named after a split, with pictures in folders under them. */
function splitFolders(pictures: readonly string[]): string[] {
  const withPictures = foldersOf(pictures);
  const isNamed = (folder: string): boolean => ALL_NAMES.includes(baseName(folder));
  // Beside classes, a folder with pictures of its own is a class: it may be named `train`.
  const besideClasses = new Set([...withPictures].filter((folder) => !isNamed(folder)).map(parentFolder));
  const isClass = (folder: string): boolean => withPictures.has(folder) && besideClasses.has(parentFolder(folder));
  const above = new Set([...withPictures].flatMap((folder) => foldersAbove(folder).slice(0, -1)));
  const named = new Set([...above].filter((folder) => isNamed(folder) && !isClass(folder)));

  // `test/train/cat/1.png`: `test/` is an ordinary folder if all of its pictures are in such folders.
  const innermost = new Set<string>();
  for (const folder of withPictures) {
    const last = foldersAbove(folder).findLast((each) => named.has(each));
    if (last !== undefined) innermost.add(last);
  }
  // `train/cat/test/1/2.png`: a folder of a class.
  const isInner = (folder: string): boolean => foldersAbove(parentFolder(folder)).some((each) => innermost.has(each));
  return [...named].filter((folder) => innermost.has(folder) && !isInner(folder));
}

/** The folders directly in a folder, with '/' at the end. */
function childrenOf(folder: string, names: readonly string[]): string[] {
  const inside = names.filter((name) => name.startsWith(folder));
  const ends = inside.map((name) => name.indexOf('/', folder.length) + 1);
  return [...new Set(inside.map((name, i) => name.slice(0, ends[i])).filter((_, i) => ends[i] > 0))];
}

const refuseRoots = (path: string, roots: readonly string[], hint: string): never => {
  const got = `${roots.length === 2 ? 'two' : roots.length} roots: ${listNames(roots)}`;
  throw new DataError({ op: path, expected: 'one root of class folders', got, hint });
};

/** The folder with the classes of a set without folders for splits: the first on the way down that is not alone. */
function descend(names: readonly string[], pictures: readonly string[]): string {
  const withPictures = foldersOf(pictures);
  let root = '';
  for (;;) {
    const children = childrenOf(root, names);
    const [child] = children;
    if (children.length !== 1 || withPictures.has(child)) return root;
    if (!pictures.some((file) => file.startsWith(child))) return root;
    root = child;
  }
}

/**
 * Refuses folders that contain folders of the same name, if no picture is directly in any of them: they are roots of
 * class folders, not classes.
 */
function checkSingleRoot(root: string, pictures: readonly string[], path: string): void {
  /** By the name of a folder in a child of the root, the child. */
  const owners = new Map<string, string>();
  let roots: readonly string[] | null = null;
  for (const file of pictures) {
    const parts = file.slice(root.length).split('/');
    if (parts.length === 1) continue;
    if (parts.length === 2) return;
    const [child, inner] = parts;
    const key = normalizeName(inner).toLowerCase();
    const owner = owners.get(key) ?? child;
    if (owner !== child) roots ??= [`${root}${owner}/`, `${root}${child}/`];
    owners.set(key, owner);
  }
  if (roots !== null) refuseRoots(path, roots, 'Pass one of them, or name them train and val.');
}

/** The outermost folder of a file that contains none of these folders; null for a file in one of them or above them. */
function folderBeside(file: string, folders: ReadonlySet<string>, above: ReadonlySet<string>): string | null {
  const path = foldersAbove(file);
  return path.some((folder) => folders.has(folder)) ? null : (path.find((folder) => !above.has(folder)) ?? null);
}

/** Refuses folders with pictures beside the folders of splits: their pictures would be missing without a word. */
function checkBeside(splits: readonly string[], pictures: readonly string[], path: string): void {
  const above = new Set(splits.flatMap((folder) => foldersAbove(folder).slice(0, -1)));
  const folders = new Set(splits);
  const beside = new Set(pictures.map((file) => folderBeside(file, folders, above)).filter((each) => each !== null));
  if (beside.size === 0) return;
  const hint =
    'Move the others into a folder of a split, or out of the set. ' +
    `If ${splits[0]} is a class, give it another name than that of a split.`;
  const got = `also ${listNames([...beside])}`;
  throw new DataError({ op: path, expected: `pictures in the folders of splits (${listNames(splits)})`, got, hint });
}

/**
 * Finds the folder with the classes of a split.
 *
 * @param names all files and folders
 * @param pictures the pictures among them
 * @throws DataError if there are no class folders, no folder for the split, or more than one; for pictures in folders
 *   beside those of splits
 */
export function findRoot(
  names: readonly string[],
  pictures: readonly string[],
  path: string,
  { split, valSplit, requireValSplit = false }: SplitOptions,
): Roots {
  const all = splitFolders(pictures);
  if (all.length === 0) {
    const root = descend(names, pictures);
    checkSingleRoot(root, pictures, path);
    if (childrenOf(root, names).length > 0) return { root, all: [root], hasSplitFolders: false };
    const got = names.length === 0 ? 'no files' : `no folders, but ${listNames(names)}`;
    const hint = names.some((name) => name.includes('\\'))
      ? 'The names contain \\ instead of /. Unpack the archive where it was made, and pack the folder by tar.'
      : 'Put the pictures of each class into a folder: cat/1.jpg, dog/1.jpg.';
    throw new DataError({ op: path, expected: 'images in a folder for each class', got, hint });
  }
  checkBeside(all, pictures, path);
  if (split === undefined) {
    const got = 'none, although there are folders for splits';
    const hint = "Pass { split: 'train' }.";
    throw new DataError({ op: path, expected: 'a split: train, val or test', got, hint });
  }
  const candidates = (which: FolderSplit): readonly string[] =>
    PREFERENCE[which]
      .map((name) => all.filter((folder) => FOLDER_NAMES[name].includes(baseName(folder))))
      .find(({ length }) => length > 0) ?? [];
  const heldOut = candidates('test');
  if (requireValSplit && heldOut.length > 0) refuseValSplit(path, `the folder ${listNames(heldOut)}`);
  const isDrawn = valSplit !== undefined && heldOut.length === 0;
  const folders = candidates(isDrawn ? 'train' : split);
  if (folders.length > 1) refuseRoots(path, folders, 'Pass the folder above one of them, or rename the other.');
  if (folders.length === 1) return { root: folders[0], all, hasSplitFolders: !isDrawn };
  const choices = PREFERENCE[split].flatMap((name) => FOLDER_NAMES[name]).join(', ');
  const hint =
    split === 'train'
      ? 'Rename the folder of the training images to train.'
      : 'Add one of these folders, or hold out a share of the training images: --val-split 0.1.';
  throw new DataError({
    op: path,
    expected: `class folders in one of ${choices}`,
    got: `only ${listNames(all)}`,
    hint,
  });
}
