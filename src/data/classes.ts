import { DataError, ParamError } from '../core/errors.js';
import type { ImageSet } from './dataset.js';

/**
 * Refuses a set that does not hold together, or has other classes than are wanted.
 *
 * @param classes how many the network's head has
 * @throws DataError for pixels, labels and classes that do not fit each other; ParamError for another head.
 */
export function checkSet(set: ImageSet, classes = set.classNames.length, op = 'data set'): void {
  const { images, labels, n, channels, height, width, classNames } = set;
  const size = channels * height * width;
  if (images.length !== n * size) {
    throw new DataError({ op, expected: `${n * size} pixels of ${n} images`, got: `${images.length}` });
  }
  if (labels.length !== n)
    throw new DataError({ op, expected: `${n} labels, one for each image`, got: `${labels.length}` });
  const odd = labels.findIndex((label) => label < 0 || label >= classNames.length);
  if (odd >= 0) {
    const expected = `labels from 0 to ${classNames.length - 1}`;
    throw new DataError({ op, expected, got: `${labels[odd]} of image ${odd}` });
  }
  if (classes !== classNames.length) {
    throw new ParamError({ op, expected: `${classes} classes, as the network has`, got: `${classNames.length}` });
  }
}

/** How many images each class has. */
export function classCounts({ labels, classNames }: ImageSet): number[] {
  const counts = Array<number>(classNames.length).fill(0);
  for (const label of labels) counts[label]++;
  return counts;
}

export interface Imbalance {
  readonly largest: { readonly name: string; readonly count: number };
  readonly smallest: { readonly name: string; readonly count: number };
  /** largest/smallest: 1 for classes of equal size, Infinity where one has no image. */
  readonly ratio: number;
}

/** How unequal the classes of a set are: a network learns to guess the large ones. */
export function imbalance(set: ImageSet): Imbalance {
  const classes = classCounts(set).map((count, i) => ({ name: set.classNames[i], count }));
  const [first, ...others] = classes;
  const largest = others.reduce((most, one) => (one.count > most.count ? one : most), first);
  const smallest = others.reduce((least, one) => (one.count < least.count ? one : least), first);
  return { largest, smallest, ratio: largest.count / smallest.count };
}
