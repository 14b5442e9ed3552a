import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { openArchive } from './archive.js';
import { cifarFrom, cifarTitle } from './cifar.js';
import { pick, spread, type ImageSet, type Split } from './dataset.js';
import { cifar100In, cifar10In } from './find.js';
import { imageFolderFrom, type DecodeOptions } from './imageFolder.js';
import { drawShapes } from './shapes.js';

/** What `DecodeOptions` say is for image folders. */
export interface OpenOptions extends DecodeOptions {
  /** Height and width; 32x32 where it is not given. */
  readonly size?: Size;
  /** Seed of the drawn shapes; 0 where it is not given. */
  readonly seed?: number;
  /** At most so many images, evenly spread over the set; of shapes, exactly so many (1000). */
  readonly n?: number;
}

/** Where the drawn test images begin: past any training set. */
const TEST_SHAPES = 2 ** 31;

function openShapes(split: Split, [height, width]: Size, { seed = 0, n = 1000 }: OpenOptions): ImageSet {
  if (height !== width) {
    throw new ParamError({ op: 'shapes', expected: 'a square size', got: `${height}x${width}` });
  }
  return drawShapes(n, { size: height, seed, first: split === 'test' ? TEST_SHAPES : 0 });
}

/**
 * Opens a data set by what a user calls it: `shapes`, or the path of CIFAR-10 or
 * CIFAR-100 (an archive or a folder) or of an image folder (root/<class>/<file>, with or without
 * train and test above; a folder or a tar archive).
 *
 * @throws DataError for what is missing or damaged; ParamError for an option that does not fit.
 */
export async function openDataset(spec: string, split: Split, options: OpenOptions = {}): Promise<ImageSet> {
  const { size = [32, 32], n, onBadImage, onProgress } = options;
  if (n !== undefined && (!Number.isSafeInteger(n) || n < 1)) {
    throw new ParamError({ op: 'n', expected: 'a number of images from 1 on', got: `${n}` });
  }
  if (spec === 'shapes') return openShapes(split, size, options);

  const archive = await openArchive((await cifar10In(spec)) ?? (await cifar100In(spec)) ?? spec);
  const title = cifarTitle(archive);
  if (title === null) {
    return imageFolderFrom(archive, {
      ...{ size, split },
      ...(n === undefined ? {} : { n }),
      ...(onBadImage === undefined ? {} : { onBadImage }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  }
  const set = await cifarFrom(archive, split);
  if (size[0] !== set.height || size[1] !== set.width) {
    const got = `a size of ${size.join('x')}`;
    throw new ParamError({ op: spec, expected: `the size of ${title}, ${set.height}x${set.width}`, got });
  }
  return n === undefined || n >= set.n ? set : pick(set, spread(set.n, n));
}
