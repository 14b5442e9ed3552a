import { DataError, ParamError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/config.js';
import { isStreamed, type DataSet, type LabeledImages } from './dataset.js';

/** What a network takes and answers, as its configuration says. */
export type DatasetRequirements = Partial<Pick<ModelConfig, 'in_chans' | 'num_classes' | 'class_names'>>;

/** Names that fill a line say no more than the first few. */
const abbreviate = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');

/** A network that was made for other classes or images would answer all the same, and wrongly. */
function checkRequirements(
  { channels, classNames }: LabeledImages,
  { in_chans, num_classes, class_names }: DatasetRequirements,
  op: string,
): void {
  if (in_chans !== undefined && in_chans !== channels) {
    throw new ParamError({ op, expected: `images of ${in_chans} channels, as the network takes`, got: `${channels}` });
  }
  if (num_classes !== undefined && num_classes !== classNames.length) {
    const got = `${classNames.length} (${abbreviate(classNames)})`;
    throw new ParamError({ op, expected: `${num_classes} classes, as the network has`, got });
  }
  const odd = class_names?.findIndex((name, i) => name !== classNames[i]) ?? -1;
  if (class_names && odd >= 0) {
    const expected = `the network's classes, '${class_names[odd]}' as class ${odd}`;
    throw new ParamError({ op, expected, got: `'${classNames[odd]}'` });
  }
}

/**
 * Refuses a set that does not hold together, or that is not for the network.
 *
 * @throws DataError for pixels, labels and classes that do not fit each other; ParamError for another network.
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
  const odd = labels.findIndex((label) => label < 0 || label >= classNames.length);
  if (odd >= 0) {
    const expected = `labels from 0 to ${classNames.length - 1}`;
    throw new DataError({ op, expected, got: `${labels[odd]} of image ${odd}` });
  }
  checkRequirements(set, network, op);
}

/** How many images each class has. */
export function classCounts({ labels, classNames }: LabeledImages): number[] {
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
export function imbalance(set: LabeledImages): Imbalance {
  const classes = classCounts(set).map((count, i) => ({ name: set.classNames[i], count }));
  const [first, ...others] = classes;
  const largest = others.reduce((most, one) => (one.count > most.count ? one : most), first);
  const smallest = others.reduce((least, one) => (one.count < least.count ? one : least), first);
  return { largest, smallest, ratio: largest.count / smallest.count };
}
