import { checkInteger, checkOptions } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import { CONFIG_KEYS, type ModelConfig } from '../../core/config.js';
import { checkLabeledImages, checkSet, checkText, checkTexts } from './checkSet.js';
import type { DataSet, LabeledImages } from './dataset.js';
import { listNames } from './listNames.js';
import { normalizeName } from './normalizeName.js';

/** The input channels and the classes of a network; keys of its configuration. */
export type DatasetRequirements = Partial<Pick<ModelConfig, 'in_chans' | 'num_classes' | 'class_names'>>;

const OTHER_CLASSES = 'Pass the data set of the network, or train a network for the classes of this one.';

/** Refuses a set for another network, which would compute wrong results without an error. */
function checkRequirements(
  { channels, classNames }: LabeledImages,
  { in_chans, num_classes, class_names }: DatasetRequirements,
  op: string,
): void {
  // Color images are converted to grayscale for a network with one channel.
  if (in_chans !== undefined && in_chans !== channels && !(in_chans === 1 && channels === 3)) {
    throw new ParamError({
      op,
      expected: `images of ${in_chans} channels, like the input of the network`,
      got: `${channels}`,
      hint: `Pass a network for ${channels} channels, or images of ${in_chans}.`,
    });
  }
  if (num_classes !== undefined && num_classes !== classNames.length) {
    const got = `${classNames.length} (${listNames(classNames)})`;
    throw new ParamError({ op, expected: `${num_classes} classes, like the network`, got, hint: OTHER_CLASSES });
  }
  // Weights may have names of macOS, which writes `é` as two characters.
  const names = classNames.map(normalizeName);
  const mismatch = class_names?.findIndex((name, i) => normalizeName(name) !== names[i]) ?? -1;
  if (class_names && mismatch >= 0) {
    const expected = `the network's classes, '${class_names[mismatch]}' as class ${mismatch}`;
    throw new ParamError({ op, expected, got: `'${classNames[mismatch]}'`, hint: OTHER_CLASSES });
  }
}

/**
 * Checks that a set is consistent, and that it fits the network.
 *
 * @param network keys of a configuration; those that are absent are not checked
 * @param op the name of the set in errors
 * @throws DataError if pixels, labels and classes do not match
 * @throws ParamError for a value that is no set, or if the set has other channels or classes than the network
 */
export function checkDataset(set: DataSet, network: DatasetRequirements = {}, op = 'data set'): void {
  checkText('checkDataset', op, 'the name of the set');
  checkSet(op, set);
  // A whole configuration may be passed.
  const { class_names, in_chans, num_classes } = checkOptions(network, CONFIG_KEYS, 'checkDataset: network');
  if (class_names !== undefined && class_names !== null) checkTexts('class_names', class_names);
  if (in_chans !== undefined) checkInteger('in_chans', in_chans, { min: 1 });
  if (num_classes !== undefined) checkInteger('num_classes', num_classes, { min: 1 });
  checkRequirements(set, network, op);
}

/** Number of images in each class. @throws ParamError for a value that is no set */
export function classCounts(set: LabeledImages): number[] {
  checkLabeledImages('classCounts', set);
  const { labels, classNames } = set;
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

/** Compares the sizes of the classes: a network learns to favor the large ones. @throws ParamError for a value that is no set */
export function imbalance(set: LabeledImages): Imbalance {
  checkLabeledImages('imbalance', set);
  const counts = classCounts(set);
  const classes = set.classNames.map((name, i) => ({ name, count: counts[i] }));
  const [first, ...others] = classes;
  const largest = others.reduce((most, one) => (one.count > most.count ? one : most), first);
  const smallest = others.reduce((least, one) => (one.count < least.count ? one : least), first);
  return { largest, smallest, ratio: largest.count / smallest.count };
}
