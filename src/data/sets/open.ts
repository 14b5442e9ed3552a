import { checkBoolean, checkOneOf } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';
import { resolveFit, type FitOptions } from '../../image/preprocess.js';
import { openArchive } from './archive.js';
import { checkText } from './checkSet.js';
import { readCifar, cifarTitle } from './cifar.js';
import { subset, evenlySpaced, type DataSet, type FolderSplit, type ImageSet } from './dataset.js';
import { findData } from './find.js';
import { openImageFolder, type CacheOptions, type DecodeOptions, type InMemoryOptions } from './imageFolder.js';
import { refuseValSplit } from './imageRoots.js';
import { checkFolderOptions } from './imageFolderOptions.js';
import { scaleSet } from './scaleSet.js';
import { drawShapes } from './shapes.js';

/**
 * `DecodeOptions` and `valSplit` apply to image folders. Images are scaled and cropped as by `fit`; to prepare them as a
 * network's configuration says, pass `...fitOptions(config)`.
 */
export interface OpenDatasetOptions extends DecodeOptions, Omit<FitOptions, 'size' | 'crop_pct'> {
  /** Height and width of the images. Default 32x32. */
  readonly size?: Size;
  /** As in `fit`, but by default 1: as much as possible of each picture is kept. */
  readonly crop_pct?: number;
  /** Seed of `shapes` and of `valSplit`. Default 0. */
  readonly seed?: number;
  /**
   * Whether the images of CIFAR and `shapes` stay as they are, without `fit`: CIFAR's 32x32, those of `shapes` as they
   * are drawn at `size`. A loader or `prepareInputs` scales them later. Default false.
   */
  readonly keepOriginalSize?: boolean;
  /** The share of each class to hold out of an image folder without val and test; see `SplitOptions`. */
  readonly valSplit?: number;
  /** Whether to refuse `valSplit` for a set that has images to validate on, where it has no effect. Default false. */
  readonly requireValSplit?: boolean;
  /** Maximum number of images, evenly spaced over the set; for `shapes` their exact number, by default 1000. */
  readonly n?: number;
}

const OWN_KEYS = ['keepOriginalSize'];

/** Index of the first test image of `shapes`, after those of any training set. */
const TEST_SHAPES = 2 ** 31;

function openShapes(split: FolderSplit, [height, width]: Size, { seed = 0, n = 1000 }: OpenDatasetOptions): ImageSet {
  if (height !== width) {
    const hint = `Pass a square one (--size ${Math.max(height, width)}).`;
    throw new ParamError({ op: 'shapes', expected: 'a square size', got: `${height}x${width}`, hint });
  }
  return drawShapes(n, { size: height, seed, first: split === 'train' ? 0 : TEST_SHAPES });
}

/**
 * Opens a data set: `shapes`, the path of CIFAR-10 or CIFAR-100 (an archive or a folder), the path of an image folder
 * (root/<class>/<file>, or with train, val and test above the classes; a folder or a tar archive), or a name that
 * `findData` resolves. Only image folders on disk can be streamed, see `cache`.
 *
 * @throws DataError for a set that is missing or damaged
 * @throws ParamError for an option out of range
 * @throws BackendUnavailableError for an image folder if sharp is not installed
 */
export function openDataset(
  spec: string,
  split: FolderSplit,
  options?: OpenDatasetOptions & InMemoryOptions,
): Promise<ImageSet>;
export function openDataset(
  spec: string,
  split: FolderSplit,
  options: OpenDatasetOptions & CacheOptions,
): Promise<DataSet>;
export async function openDataset(
  spec: string,
  split: FolderSplit,
  options: OpenDatasetOptions & CacheOptions = {},
): Promise<DataSet> {
  checkText('openDataset', spec, 'the name or the path of a data set');
  checkOneOf('split', split, ['train', 'val', 'test']);
  checkFolderOptions(options, OWN_KEYS);
  const { size = [32, 32], crop_pct, resize, interpolation, n } = options;
  const keepOriginalSize = checkBoolean('keepOriginalSize', options.keepOriginalSize ?? false);
  const fit = resolveFit({ size, crop_pct, resize, interpolation }, 1);
  const prepare = (set: ImageSet): ImageSet => (keepOriginalSize ? set : scaleSet(set, fit));
  if (spec === 'shapes' && options.requireValSplit === true) refuseValSplit(spec, 'the test images');
  if (spec === 'shapes') return prepare(openShapes(split, size, options));

  const archive = await openArchive(await findData(spec));
  if (cifarTitle(archive) === null) {
    const { keepOriginalSize: _, ...folderOptions } = options;
    return openImageFolder(archive, { ...folderOptions, size, split });
  }
  if (options.requireValSplit === true) refuseValSplit(archive.path, 'the test images');
  const all = await readCifar(archive, split === 'train' ? 'train' : 'test');
  const set = n === undefined || n >= all.n ? all : subset(all, evenlySpaced(all.n, n));
  return prepare(set);
}
