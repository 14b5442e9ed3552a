import { ParamError } from '../../core/errors.js';
import type { Interpolation } from '../../core/config.js';
import type { Size } from '../../core/shapes.js';
import { openArchive } from './archive.js';
import { readCifar, cifarTitle } from './cifar.js';
import { subset, evenlySpaced, type DataSet, type FolderSplit, type ImageSet } from './dataset.js';
import { findData } from './find.js';
import { openImageFolder, type CacheOptions, type DecodeOptions, type InMemoryOptions } from './imageFolder.js';
import { scaleSet } from './scaleSet.js';
import { drawShapes } from './shapes.js';

/** What `DecodeOptions` say is for image folders, and so is `valSplit`. */
export interface OpenDatasetOptions extends DecodeOptions {
  /** Height and width; 32x32 where it is not given. */
  readonly size?: Size;
  /** Seed of the drawn shapes, and of what `valSplit` draws; 0 where it is not given. */
  readonly seed?: number;
  /** How images of another size are scaled; 'bicubic' where it is not given. */
  readonly interpolation?: Interpolation;
  /** Whether CIFAR's images stay 32x32, whatever the size: for those who scale them later. Default false. */
  readonly keepOriginalSize?: boolean;
  /** The share of each class to hold out of an image folder that holds out none itself; see `SplitOptions`. */
  readonly valSplit?: number;
  /** At most so many images, evenly spread over the set; of shapes, exactly so many (1000). */
  readonly n?: number;
}

/** Where the drawn test images begin: past any training set. */
const TEST_SHAPES = 2 ** 31;

function openShapes(split: FolderSplit, [height, width]: Size, { seed = 0, n = 1000 }: OpenDatasetOptions): ImageSet {
  if (height !== width) {
    throw new ParamError({ op: 'shapes', expected: 'a square size', got: `${height}x${width}` });
  }
  return drawShapes(n, { size: height, seed, first: split === 'train' ? 0 : TEST_SHAPES });
}

/**
 * Opens a data set by what a user calls it: `shapes`, or the path of CIFAR-10 or
 * CIFAR-100 (an archive or a folder) or of an image folder (root/<class>/<file>, with or without
 * train and val or test above; a folder or a tar archive), or a name that `findData` knows.
 * Only image folders on the disk are streamed, where `cache` says so.
 *
 * @throws DataError for what is missing or damaged; ParamError for an option that does not fit.
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
  const { size = [32, 32], n, interpolation, keepOriginalSize: native = false } = options;
  if (n !== undefined && (!Number.isSafeInteger(n) || n < 1)) {
    throw new ParamError({ op: 'n', expected: 'a number of images from 1 on', got: `${n}` });
  }
  if (spec === 'shapes') return openShapes(split, size, options);

  const archive = await openArchive(await findData(spec));
  if (cifarTitle(archive) === null) return openImageFolder(archive, { ...options, size, split });
  const whole = await readCifar(archive, split === 'train' ? 'train' : 'test');
  const set = n === undefined || n >= whole.n ? whole : subset(whole, evenlySpaced(whole.n, n));
  return native ? set : scaleSet(set, size, interpolation);
}
