import { DataError, ParamError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/config.js';
import { isStreamed, type DataSet, type LabeledImages } from './dataset.js';
import { normalizeName } from './normalizeName.js';

/** The input channels and the classes of a network; keys of its configuration. */
export type DatasetRequirements = Partial<Pick<ModelConfig, 'in_chans' | 'num_classes' | 'class_names'>>;

/** The first five names. */
const abbreviate = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');

/** Refuses a set for another network, which would compute wrong results without an error. */
function checkRequirements(
  { channels, classNames }: LabeledImages,
  { in_chans, num_classes, class_names }: DatasetRequirements,
  op: string,
): void {
  if (in_chans !== undefined && in_chans !== channels) {
    throw new ParamError({
      op,
      expected: `images of ${in_chans} channels, like the input of the network`,
      got: `${channels}`,
    });
  }
  if (num_classes !== undefined && num_classes !== classNames.length) {
    const got = `${classNames.length} (${abbreviate(classNames)})`;
    throw new ParamError({ op, expected: `${num_classes} classes, like the network`, got });
  }
  // Weights may have names of macOS, which writes `é` as two characters.
  const names = classNames.map(normalizeName);
  const mismatch = class_names?.findIndex((name, i) => normalizeName(name) !== names[i]) ?? -1;
  if (class_names && mismatch >= 0) {
    const expected = `the network's classes, '${class_names[mismatch]}' as class ${mismatch}`;
    throw new ParamError({ op, expected, got: `'${classNames[mismatch]}'` });
  }
}

/**
 * Checks that a set is consistent, and that it fits the network.
 *
 * @param network keys of a configuration; those that are absent are not checked
 * @param op the name of the set in errors
 * @throws DataError if pixels, labels and classes do not match
 * @throws ParamError if the set has other channels or classes than the network
 */
export function checkDataset(set: DataSet, network: DatasetRequirements = {}, op = 'data set'): void {
  const { labels, n, channels, height, width, classNames } = set;
  const size = channels * height * width;
  if (isStreamed(set)) {
    const files = set.files.names.length;
    if (files !== n) throw new DataError({ op, expected: `${n} files, one for each image`, got: `${files}` });
  } else if (set.images.length !== n * size) {
    throw new DataError({ op, expected: `${n * size} pixels of ${n} images`, got: `${set.images.length}` });
  }
  if (labels.length !== n)
    throw new DataError({ op, expected: `${n} labels, one for each image`, got: `${labels.length}` });
  const invalid = labels.findIndex((label) => label < 0 || label >= classNames.length);
  if (invalid >= 0) {
    const expected = `labels from 0 to ${classNames.length - 1}`;
    throw new DataError({ op, expected, got: `${labels[invalid]} of image ${invalid}` });
  }
  checkRequirements(set, network, op);
}

/** Number of images in each class. */
export function classCounts({ labels, classNames }: LabeledImages): number[] {
  const counts = Array<number>(classNames.length).fill(0);
  for (const label of labels) counts[label]++;
  return counts;
}

export interface Imbalance {
  readonly largest: { readonly name: string; readonly count: number };
  readonly smallest: { readonly name: string; readonly count: number };
  /** largest/smallest: 1 for classes of equal size, Infinity if a class has no image. */
  readonly ratio: number;
}

/** Compares the sizes of the classes: a network learns to favor the large ones. */
export function imbalance(set: LabeledImages): Imbalance {
  const classes = classCounts(set).map((count, i) => ({ name: set.classNames[i], count }));
  const [first, ...others] = classes;
  const largest = others.reduce((most, one) => (one.count > most.count ? one : most), first);
  const smallest = others.reduce((least, one) => (one.count < least.count ? one : least), first);
  return { largest, smallest, ratio: largest.count / smallest.count };
}
