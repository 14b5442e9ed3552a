import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkKeys,
  checkNumber,
  checkObject,
  checkOneOf,
} from '../../core/check.js';
import type { FitOptions } from '../../image/preprocess.js';
import type { SplitOptions } from './imageListing.js';

/** How unreadable images are handled, and progress. */
export interface DecodeOptions {
  /**
   * 'fail' (the default) refuses the set; 'skip' leaves out unreadable images and lists them in `skipped`. For a
   * streamed set, 'fail' only checks how each file begins: a file that is damaged further on fails when a batch reads it.
   * 'skip' decodes every file once in advance, so that the set is the same as in memory.
   */
  readonly onBadImage?: 'fail' | 'skip';
  /**
   * Whether pictures are turned upright by their EXIF orientation. Default true; torchvision and timm do not.
   */
  readonly exifOrientation?: boolean;
  /** Called after every image. A promise is awaited; an error ends the reading. */
  readonly onProgress?: (done: number, total: number) => unknown;
}

/** Where the pixels of an image folder are kept. */
export type Cache = 'memory' | 'none' | 'auto';

/** Images are scaled and cropped as by `fit`, but the default of `crop_pct` is 1. */
export interface ImageFolderOptions extends FitOptions, DecodeOptions, SplitOptions {
  /** Maximum number of images, evenly spaced over the sorted files. Default: all. */
  readonly n?: number;
}

export interface CacheOptions {
  /**
   * 'memory' (the default) decodes all images now. 'none' decodes each image when a batch needs it, and requires a
   * folder on disk. 'auto' is 'none' for more than 2 GiB of pixels or with `cropFromOriginal`, and 'memory' otherwise.
   * Batches do not depend on it, except with `cropFromOriginal`.
   */
  readonly cache?: Cache;
  /**
   * Whether the first bytes of each file are looked at now, for a set on disk. Default true; otherwise a file that is
   * no picture fails when a batch reads it.
   */
  readonly checkFiles?: boolean;
  /**
   * Whether a loader that decodes images itself cuts random resized crops out of the original pictures, as torchvision
   * and timm do. Images in memory are scaled first, and crops are cut out of the result. Default false.
   */
  readonly cropFromOriginal?: boolean;
}

/** Options that yield a set in memory. */
export interface InMemoryOptions {
  readonly cache?: 'memory';
}

const KEYS = [
  ...['size', 'crop_pct', 'resize', 'interpolation', 'onBadImage', 'onProgress', 'split', 'valSplit', 'seed', 'n'],
  ...['cache', 'cropFromOriginal', 'requireValSplit', 'exifOrientation', 'checkFiles'],
];

/**
 * Checks the options of image folders except for those of `fit`.
 *
 * @param more other keys that are allowed
 * @throws ParamError naming an option that is unknown or out of its range
 */
export function checkFolderOptions(value: unknown, more: readonly string[] = []): void {
  const options = checkObject('options', value as Partial<ImageFolderOptions & CacheOptions>);
  checkKeys(options, [...KEYS, ...more], (key) => key);
  const { onBadImage, onProgress, split, valSplit, seed, n, cache, cropFromOriginal, requireValSplit } = options;
  const { exifOrientation, checkFiles } = options;
  if (onBadImage !== undefined) checkOneOf('onBadImage', onBadImage, ['fail', 'skip']);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress);
  if (split !== undefined) checkOneOf('split', split, ['train', 'val', 'test']);
  if (valSplit !== undefined) checkNumber('valSplit', valSplit, { min: 0, below: 1 }, 'a share');
  if (seed !== undefined) checkInteger('seed', seed, { min: 0, max: 2 ** 32 - 1 });
  if (n !== undefined) checkInteger('n', n, { min: 1 });
  if (cache !== undefined) checkOneOf('cache', cache, ['memory', 'none', 'auto']);
  if (cropFromOriginal !== undefined) checkBoolean('cropFromOriginal', cropFromOriginal);
  if (exifOrientation !== undefined) checkBoolean('exifOrientation', exifOrientation);
  if (checkFiles !== undefined) checkBoolean('checkFiles', checkFiles);
  if (requireValSplit !== undefined) checkBoolean('requireValSplit', requireValSplit);
}
