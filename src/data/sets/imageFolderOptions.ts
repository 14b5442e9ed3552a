import { ParamError } from '../../core/errors.js';
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
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
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
   * Whether a loader that decodes images itself cuts random resized crops out of the original pictures, as torchvision
   * and timm do. Images in memory are scaled first, and crops are cut out of the result. Default false.
   */
  readonly cropFromOriginal?: boolean;
}

/** Options that yield a set in memory. */
export interface InMemoryOptions {
  readonly cache?: 'memory';
}

/** Checks an option that is one of several words, for callers without types. @throws ParamError */
export function checkChoice(op: string, choices: readonly string[], value: string): void {
  if (choices.includes(value)) return;
  const words = choices.map((choice) => `'${choice}'`);
  const expected = `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
  throw new ParamError({ op, expected, got: value });
}
