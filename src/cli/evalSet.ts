/** The images that `eval` measures on, and the lists of labels that belong to them. */
import { DataError, ParamError } from '../core/errors.js';
import type { ModelConfig } from '../core/config.js';
import { checkDataset } from '../data/sets/classes.js';
import { isStreamed, type DataSet, type FolderSplit } from '../data/sets/dataset.js';
import { findData } from '../data/sets/find.js';
import { readGroundTruth, readRealLabels, type RealLabelsOf } from '../data/sets/groundTruth.js';
import { IMAGENET_SYNSETS } from '../data/sets/imagenetSynsets.js';
import { openLabeledFiles, withImageNetClasses } from '../data/sets/labeledFiles.js';
import type { CacheOptions, ImageFolderOptions } from '../data/sets/imageFolder.js';
import { openDataset } from '../data/sets/open.js';
import type { Count } from './countBar.js';
import type { Preparation } from './evalProtocol.js';
import { nameDataFlags } from './trainingData.js';

export interface EvalDataOptions {
  readonly data: string;
  readonly split: FolderSplit;
  readonly valSplit?: number;
  readonly limit?: number;
  readonly seed: number;
  readonly labels?: string;
  readonly realLabels?: string;
  readonly skipDamaged?: true;
}

export interface EvalSet {
  readonly set: DataSet;
  /** The names of the images: of their files, or made of their number and class. */
  readonly files: readonly string[];
  /** The split, or `all` for images without splits. */
  readonly split: string;
  /** The reassessed labels of an image; null without --real-labels. */
  readonly realLabels: ((image: number) => readonly number[]) | null;
}

type Network = Pick<ModelConfig, 'num_classes' | 'class_names' | 'in_chans'>;

/** The names of the network's classes: those of a network of 1000 classes without names are ImageNet's. */
function classNamesOf({ num_classes, class_names }: Network): readonly string[] {
  if (class_names !== null) return class_names;
  if (num_classes === IMAGENET_SYNSETS.length) return IMAGENET_SYNSETS;
  return Array.from({ length: num_classes }, (_, i) => `${i}`);
}

/** An error of a folder without class folders, with the flag for its labels. */
function nameLabelsFlag(error: unknown): unknown {
  if (!(error instanceof DataError) || error.expected !== 'images in a folder for each class') return error;
  const { op, expected, got, hint } = error;
  const more = 'Or pass a list of their labels: --labels val.txt.';
  return new DataError({ op, expected, got, hint: `${hint ?? ''} ${more}`.trim() }, { cause: error });
}

/** The name of an image that is not in a file. */
const nameOf = ({ classNames, labels }: DataSet, i: number): string => `image ${i} (${classNames[labels[i]]})`;

/** @throws ParamError for --split or --val-split with --labels */
function checkLabelFlags({ labels, valSplit }: EvalDataOptions): void {
  if (labels === undefined || valSplit === undefined) return;
  const hint = 'Omit --val-split: --labels names the labels of all images.';
  throw new ParamError({ op: '--val-split', expected: 'images in folders of their classes', got: '--labels', hint });
}

/**
 * Opens the images, which `prepareInputs` scales and crops if they are not in files.
 *
 * @throws DataError, ParamError as `openDataset`, and for labels that do not fit
 */
export async function openEvalSet(
  network: Network,
  preparation: Preparation,
  options: EvalDataOptions,
  count: Count,
): Promise<EvalSet> {
  checkLabelFlags(options);
  const { data, split, valSplit, limit, seed, labels, realLabels, skipDamaged } = options;
  const { input_size: size, crop_pct, interpolation, resize, exifOrientation } = preparation;
  const classNames = classNamesOf(network);
  const labelOf = labels === undefined ? null : await readGroundTruth(labels, classNames);
  const realLabelsOf = realLabels === undefined ? null : await readRealLabels(realLabels, network.num_classes);
  const common: Omit<ImageFolderOptions, 'split' | 'valSplit'> & CacheOptions = {
    ...{ size, crop_pct, interpolation, resize, exifOrientation },
    // Each image is read once: without a cache, and a damaged one on disk is found then.
    ...{ cache: 'none', checkFiles: skipDamaged !== true, onBadImage: skipDamaged === true ? 'skip' : 'fail' },
    ...(limit === undefined ? {} : { n: limit }),
    onProgress: (done, total) => {
      count.show(done, total);
    },
  };
  const opened =
    labelOf === null
      ? openDataset(data, split, {
          ...{ ...common, seed, keepOriginalSize: true },
          ...(valSplit === undefined ? {} : { valSplit, requireValSplit: true }),
        })
      : openLabeledFiles(await findData(data), { labelOf, classNames }, common);
  const found = await opened
    .catch((error: unknown) => {
      throw nameLabelsFlag(nameDataFlags(error));
    })
    .finally(() => {
      count.end();
    });
  const set = network.num_classes === classNames.length ? withImageNetClasses(found, classNames) : found;
  checkDataset(set, network, data);
  if (set.n === 0) throw new DataError({ op: data, expected: `images of the split ${split}`, got: 'none' });
  const names = (isStreamed(set) ? set.files : set.sourceFiles)?.names;
  const files = names ?? Array.from({ length: set.n }, (_, i) => nameOf(set, i));
  // Before the network runs for hours.
  if (realLabelsOf !== null) files.forEach(realLabelsOf);
  return {
    ...{ set, files, split: set.splitSource === 'whole' ? 'all' : split },
    realLabels: realLabelsOf === null ? null : ofFiles(realLabelsOf, files),
  };
}

const ofFiles =
  (realLabelsOf: RealLabelsOf, files: readonly string[]) =>
  (image: number): readonly number[] =>
    realLabelsOf(files[image]);
