import { DataError } from '../../core/errors.js';
import type { Archive } from './archive.js';
import type { FolderSplit } from './dataset.js';
import { splitByClass } from './splitByClass.js';

/** Which images of a folder are meant. */
export interface SplitOptions {
  /**
   * Which of root/train, root/val and root/test; `val` may also be called `valid` or `validation`, and is `test`
   * where there is but one of them. Without such folders, each is the whole.
   */
  readonly split?: FolderSplit;
  /**
   * The share of each class to hold out where there is no folder held out: `train` is what is left. Without it
   * nothing is drawn.
   */
  readonly valSplit?: number;
  /** Of what is drawn; 0 where it is not given. */
  readonly seed?: number;
}

export interface Listing {
  readonly classNames: readonly string[];
  /** Sorted by path. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly splitSource?: 'whole' | 'drawn';
}

const VALIDATION = ['val', 'valid', 'validation'];
/** The folders that a split may be in, the best first. */
const FOLDERS: Readonly<Record<FolderSplit, readonly string[]>> = {
  train: ['train'],
  val: [...VALIDATION, 'test'],
  test: ['test', ...VALIDATION],
};
const SPLIT_FOLDER = /(^|\/)(train|test|val|valid|validation)\/$/;

const isFolder = (name: string): boolean => name.endsWith('/');

/** '' for `cat/1.png`, 'pets/train/' for `pets/train/cat/1.png`, null for a file in no class. */
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
  /** The folder that holds the classes of the split asked for. */
  readonly root: string;
  /** Those of every split: a class has the same index in all of them, even where one has no image of it. */
  readonly all: readonly string[];
  /** The split asked for has a folder of its own. */
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
    throw new DataError({ op: path, expected: 'a split: train, val or test', got: 'none, and folders for it' });
  }
  const placesOf = (which: FolderSplit): readonly string[] =>
    FOLDERS[which]
      .map((name) => all.filter((root) => `/${root}`.endsWith(`/${name}/`)))
      .find(({ length }) => length > 0) ?? [];
  const hasHeldOut = placesOf('test').length > 0;
  const drawn = valSplit !== undefined && !hasHeldOut;
  const found = placesOf(drawn ? 'train' : split);
  if (found.length !== 1) {
    const got = found.join(', ') || 'none with images in it';
    throw new DataError({ op: path, expected: `one folder ${FOLDERS[split].join(' or ')}`, got });
  }
  return { root: found[0], all, hasSplitFolders: !drawn };
}

/**
 * Finds the images of a folder and their classes: the folders' names, sorted.
 *
 * @throws DataError naming the file in no class, or the empty class
 */
export function listImages({ names, path }: Archive, options: SplitOptions): Listing {
  const { split, valSplit, seed = 0 } = options;
  // Dot files are the file manager's, not the user's.
  const visible = names.filter((name) => !/(^|\/)\./.test(name));
  const everything = visible.filter((name) => !isFolder(name));
  const { root, all, hasSplitFolders: divided } = findRoots(everything, path, options);
  // Where there are splits, what lies beside them is no business of ours.
  const files = SPLIT_FOLDER.test(root) ? everything.filter((name) => name.startsWith(root)) : everything;
  const odd = files.find((name) => rootOf(name) !== root);
  if (odd !== undefined) {
    throw new DataError({ op: `${path}: ${odd}`, expected: `an image in ${root}<class>/`, got: 'a file elsewhere' });
  }

  const classOf = (file: string): string => file.split('/').slice(-2)[0];
  const roots = new Set<string | null>(all);
  const classNames = [...new Set(everything.filter((file) => roots.has(rootOf(file))).map(classOf))].sort();
  const filled = new Set(files.map(classOf));
  const isClass = (name: string): boolean => isFolder(name) && rootOf(`${name}x`) === root;
  const empty = visible.find((name) => isClass(name) && !filled.has(classOf(`${name}x`)));
  if (empty !== undefined) {
    throw new DataError({ op: `${path}: ${empty}`, expected: 'the images of a class', got: 'an empty folder' });
  }
  const indices = new Map(classNames.map((name, i) => [name, i]));
  const labels = Int32Array.from(files, (file) => indices.get(classOf(file)) ?? -1);
  if (divided || split === undefined) return { classNames, files, labels };
  if (valSplit === undefined) return { classNames, files, labels, splitSource: 'whole' };
  const held = splitByClass(labels, valSplit, seed);
  const isWanted = (_: unknown, i: number): boolean => held[i] === (split !== 'train');
  return { classNames, files: files.filter(isWanted), labels: labels.filter(isWanted), splitSource: 'drawn' };
}
