import { DataError, ParamError } from '../core/errors.js';
import { checkSize, type RgbImage } from '../image/pixelImage.js';
import { fit, type FitOptions } from '../image/preprocess.js';
import { openArchive, type Archive } from './archive.js';
import { atATime } from './atATime.js';
import { classCounts } from './classes.js';
import { pick, spread, type ImageSet, type SkippedImage, type Split } from './dataset.js';
import { decodeImage } from './image.js';
import { checkMemory } from './memory.js';

/** What becomes of images that cannot be read, and who hears how far it is. */
export interface DecodeOptions {
  /** 'fail' (the default) refuses the set; 'skip' leaves them out, and says which in `skipped`. */
  readonly onBadImage?: 'fail' | 'skip';
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** How every image is brought to its size, as in `fit`; but `crop_pct` is 1 where it is not given. */
export interface ImageFolderOptions extends FitOptions, DecodeOptions {
  /** Which of root/train and root/test; without such folders, both are the whole. */
  readonly split?: Split;
  /** At most so many images, evenly spread over the classes. */
  readonly n?: number;
}

/** Images at a time, each of them whole in memory: sharp has four threads, and should not wait for us. */
const AT_A_TIME = 8;

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
}

function findRoots(files: readonly string[], path: string, split: Split | undefined): Roots {
  const roots = [...new Set(files.map(rootOf))].filter((root) => root !== null);
  const endingIn = (which: Split): string[] => roots.filter((root) => `/${root}`.endsWith(`/${which}/`));
  const splits = { train: endingIn('train'), test: endingIn('test') };
  const all = [...splits.train, ...splits.test];
  if (all.length === 0) {
    if (roots.length > 0) return { root: roots[0], all: [roots[0]] };
    const got = files.length === 0 ? 'no files' : files[0];
    throw new DataError({ op: path, expected: 'images in a folder for each class', got });
  }
  if (split === undefined) {
    throw new DataError({ op: path, expected: 'a split: train or test', got: 'none, and folders for it' });
  }
  const found = splits[split];
  if (found.length !== 1) {
    const got = found.join(', ') || 'none with images in it';
    throw new DataError({ op: path, expected: `one folder ${split}`, got });
  }
  return { root: found[0], all };
}

interface Listing {
  readonly classNames: readonly string[];
  /** Sorted by path. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
}

function list({ names, path }: Archive, split: Split | undefined): Listing {
  // Dot files are the file manager's, not the user's.
  const visible = names.filter((name) => !/(^|\/)\./.test(name));
  const everything = visible.filter((name) => !isFolder(name));
  const { root, all } = findRoots(everything, path, split);
  // Where there are splits, what lies beside them is no business of ours.
  const isSplit = /(^|\/)(train|test)\/$/.test(root);
  const files = isSplit ? everything.filter((name) => name.startsWith(root)) : everything;
  const odd = files.find((name) => rootOf(name) !== root);
  if (odd !== undefined) {
    throw new DataError({ op: `${path}: ${odd}`, expected: `an image in ${root}<class>/`, got: 'a file elsewhere' });
  }

  const classOf = (file: string): string => file.split('/').slice(-2)[0];
  const inClass = everything.filter((file) => all.some((one) => one === rootOf(file)));
  const classNames = [...new Set(inClass.map(classOf))].sort();
  const filled = new Set(files.map(classOf));
  const isClass = (name: string): boolean => isFolder(name) && rootOf(`${name}x`) === root;
  const empty = visible.find((name) => isClass(name) && !filled.has(classOf(`${name}x`)));
  if (empty !== undefined) {
    throw new DataError({ op: `${path}: ${empty}`, expected: 'the images of a class', got: 'an empty folder' });
  }
  const indices = new Map(classNames.map((name, i) => [name, i]));
  return { classNames, files, labels: Int32Array.from(files, (file) => indices.get(classOf(file)) ?? -1) };
}

/** [h, w, 3] into [3, h, w] at an image's place. */
function separate(pixels: Uint8Array, planes: Uint8Array): void {
  const area = planes.length / 3;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c];
  }
}

/**
 * How images are fitted; those that have the size already are left as they are, which
 * is what scaling would do at some cost.
 */
function fitter(options: ImageFolderOptions): (image: RgbImage) => Uint8Array {
  // Nothing is cut off that training could see.
  const fitting = { crop_pct: 1, ...options };
  const [height, width] = options.size;
  // An option out of range is refused now, and not by the first image of another size.
  fit({ data: new Uint8Array(3), width: 1, height: 1 }, { ...fitting, size: [1, 1] });
  const isWhole = fitting.resize === 'exact' || fitting.crop_pct === 1;
  return (image) => (isWhole && image.height === height && image.width === width ? image : fit(image, fitting)).data;
}

/** @throws DataError where too much would be lost for the rest to be the same set */
function checkLoss(path: string, bad: readonly SkippedImage[], before: ImageSet, left: ImageSet): void {
  const example = bad.length === 0 ? '' : ` (${bad[0].file}: ${bad[0].reason})`;
  if (2 * bad.length > before.n) {
    const got = `${bad.length} of ${before.n} that are none${example}`;
    throw new DataError({ op: path, expected: 'images, half of them good at least', got });
  }
  const after = classCounts(left);
  const lost = classCounts(before).findIndex((count, i) => count > 0 && after[i] === 0);
  if (lost >= 0) {
    const got = `none of ${before.classNames[lost]}${example}`;
    throw new DataError({ op: path, expected: 'a good image of each class', got });
  }
}

/** An image folder out of an archive that is open. */
export async function imageFolderFrom(archive: Archive, options: ImageFolderOptions): Promise<ImageSet> {
  checkSize(options.size);
  const { onBadImage = 'fail', onProgress, n: most } = options;
  // A caller without types may ask for something else.
  if (!['fail', 'skip'].includes(onBadImage)) {
    throw new ParamError({ op: 'onBadImage', expected: "'fail' or 'skip'", got: onBadImage });
  }
  const toSize = fitter(options);
  const { files, labels, classNames } = list(archive, options.split);
  const [height, width] = options.size;
  const positions = spread(files.length, most ?? files.length);
  const n = positions.length;
  checkMemory(archive.path, n, options.size);
  const size = 3 * height * width;
  const images = new Uint8Array(n * size);
  const reasons = new Map<number, SkippedImage>();

  const place = async (i: number): Promise<void> => {
    const file = files[positions[i]];
    try {
      const image = await decodeImage(await archive.read(file), `${archive.path}/${file}`);
      separate(toSize(image), images.subarray(i * size, (i + 1) * size));
    } catch (error) {
      if (onBadImage === 'fail' || !(error instanceof DataError)) throw error;
      reasons.set(i, { file, reason: error.got });
    }
  };
  let done = 0;
  await atATime(n, AT_A_TIME, async (i) => {
    await place(i);
    onProgress?.(++done, n);
  });

  const all = {
    ...{ images, n, channels: 3, height, width, classNames },
    labels: Int32Array.from(positions, (position) => labels[position]),
  };
  if (onBadImage === 'fail') return all;
  const good = positions.map((_, i) => i).filter((i) => !reasons.has(i));
  const skipped = [...reasons].sort(([a], [b]) => a - b).map(([, image]) => image);
  const left = skipped.length === 0 ? all : pick(all, good);
  checkLoss(archive.path, skipped, all, left);
  return { ...left, skipped };
}

/**
 * Reads root/<class>/<file> or root/<split>/<class>/<file>, from a folder or a tar
 * archive. The classes are the folders' names, sorted.
 *
 * @throws DataError naming the file that is no image or in no class, or the empty class.
 */
export const readImageFolder = async (root: string, options: ImageFolderOptions): Promise<ImageSet> =>
  imageFolderFrom(await openArchive(root), options);
