import { DataError } from '../../core/errors.js';
import type { Archive } from './archive.js';
import type { FolderSplit } from './dataset.js';
import { splitByClass } from './splitByClass.js';

/** Selects images of a folder. */
export interface SplitOptions {
  /**
   * The folder root/train, root/val or root/test. `val` may also be named `valid` or `validation`. If only one of `val`
   * and `test` exists, both select it. Without such folders, every split is the whole set.
   */
  readonly split?: FolderSplit;
  /**
   * The share of each class to hold out, in [0, 1), if there is no val or test folder; `train` selects the rest.
   * Default: nothing is held out.
   */
  readonly valSplit?: number;
  /** Seed of `valSplit`. Default 0. */
  readonly seed?: number;
}

export interface Listing {
  readonly classNames: readonly string[];
  /** In the order of their paths. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly splitSource?: 'whole' | 'drawn';
}

const VALIDATION = ['val', 'valid', 'validation'];
/** The folders of a split, in order of preference. */
const FOLDERS: Readonly<Record<FolderSplit, readonly string[]>> = {
  train: ['train'],
  val: [...VALIDATION, 'test'],
  test: ['test', ...VALIDATION],
};
const SPLIT_FOLDER = /(^|\/)(train|test|val|valid|validation)\/$/;

const isFolder = (name: string): boolean => name.endsWith('/');

/** The folder above the class folder: '' for `cat/1.png`, 'pets/train/' for `pets/train/cat/1.png`; or null. */
function rootOf(file: string): string | null {
  const folders = file.split('/').slice(0, -1);
  return folders.length === 0
    ? null
    : folders
        .slice(0, -1)
        .map((folder) => `${folder}/`)
        .join('');
}

interface Roots {
  /** The folder with the classes of the selected split. */
  readonly root: string;
  /** The roots of all splits. They share their classes: a class has the same index in each, with or without images. */
  readonly all: readonly string[];
  /** Whether the selected split has its own folder. */
  readonly hasSplitFolders: boolean;
}

function findRoots(files: readonly string[], path: string, { split, valSplit }: SplitOptions): Roots {
  const roots = [...new Set(files.map(rootOf))].filter((root) => root !== null);
  const all = roots.filter((root) => SPLIT_FOLDER.test(root));
  if (all.length === 0) {
    if (roots.length > 0) return { root: roots[0], all: [roots[0]], hasSplitFolders: false };
    const got = files.length === 0 ? 'no files' : files[0];
    throw new DataError({ op: path, expected: 'images in a folder for each class', got });
  }
  if (split === undefined) {
    throw new DataError({
      op: path,
      expected: 'a split: train, val or test',
      got: 'none, although there are folders for splits',
    });
  }
  const foldersOf = (which: FolderSplit): readonly string[] =>
    FOLDERS[which]
      .map((name) => all.filter((root) => `/${root}`.endsWith(`/${name}/`)))
      .find(({ length }) => length > 0) ?? [];
  const hasHeldOut = foldersOf('test').length > 0;
  const isDrawn = valSplit !== undefined && !hasHeldOut;
  const folders = foldersOf(isDrawn ? 'train' : split);
  if (folders.length !== 1) {
    const got = folders.join(', ') || 'none with images in it';
    throw new DataError({ op: path, expected: `one folder ${FOLDERS[split].join(' or ')}`, got });
  }
  return { root: folders[0], all, hasSplitFolders: !isDrawn };
}

/**
 * Lists the images of a split and their classes, which are the sorted names of the class folders.
 *
 * @throws DataError naming a file that is in no class folder, or a class without images
 */
export function listImages({ names, path }: Archive, options: SplitOptions): Listing {
  const { split, valSplit, seed = 0 } = options;
  // Hidden files are those of file managers.
  const visible = names.filter((name) => !/(^|\/)\./.test(name));
  const allFiles = visible.filter((name) => !isFolder(name));
  const { root, all, hasSplitFolders: divided } = findRoots(allFiles, path, options);
  // With split folders, files outside of them are ignored.
  const files = SPLIT_FOLDER.test(root) ? allFiles.filter((name) => name.startsWith(root)) : allFiles;
  const misplaced = files.find((name) => rootOf(name) !== root);
  if (misplaced !== undefined) {
    throw new DataError({
      op: `${path}: ${misplaced}`,
      expected: `an image in ${root}<class>/`,
      got: 'a file elsewhere',
    });
  }

  const classOf = (file: string): string => file.split('/').slice(-2)[0];
  const roots = new Set<string | null>(all);
  const classNames = [...new Set(allFiles.filter((file) => roots.has(rootOf(file))).map(classOf))].sort();
  const classesWithImages = new Set(files.map(classOf));
  const isClass = (name: string): boolean => isFolder(name) && rootOf(`${name}x`) === root;
  const empty = visible.find((name) => isClass(name) && !classesWithImages.has(classOf(`${name}x`)));
  if (empty !== undefined) {
    throw new DataError({ op: `${path}: ${empty}`, expected: 'the images of a class', got: 'an empty folder' });
  }
  const indices = new Map(classNames.map((name, i) => [name, i]));
  const labels = Int32Array.from(files, (file) => indices.get(classOf(file)) ?? -1);
  if (divided || split === undefined) return { classNames, files, labels };
  if (valSplit === undefined) return { classNames, files, labels, splitSource: 'whole' };
  const heldOut = splitByClass(labels, valSplit, seed);
  const isSelected = (_: unknown, i: number): boolean => heldOut[i] === (split !== 'train');
  return { classNames, files: files.filter(isSelected), labels: labels.filter(isSelected), splitSource: 'drawn' };
}
