import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { imbalance } from '../data/sets/classes.js';
import type { DataSet, FolderSplit } from '../data/sets/dataset.js';
import type { Cache, CacheOptions } from '../data/sets/imageFolder.js';
import { openDataset, type OpenDatasetOptions } from '../data/sets/open.js';
import type { DataSelection } from '../train/origin.js';
import type { FitOptions } from '../image/preprocess.js';
import type { Recipe } from '../train/recipe.js';
import type { TrainingData } from '../train/runOptions.js';
import { formatPercent } from '../report/percent.js';
import { countDisplay } from './countBar.js';

export interface TrainingDataOptions {
  readonly limit?: number;
  readonly valLimit?: number;
  readonly valSplit?: number;
  readonly imageSize?: Size;
  readonly cache: Cache;
  readonly onBadImage: 'fail' | 'skip';
  /** Present for a resumed run. */
  readonly resume?: true | string;
}

/** The default share of each class that is held out, if the data set has no validation images. */
export const VAL_SPLIT = 0.1;
/** A larger ratio of class sizes than this is noted. */
const UNBALANCED = 2;

/** The options that decide which images are used, for the run's folder. */
export const dataChoice = (spec: string, { limit, valLimit, valSplit }: TrainingDataOptions): DataSelection => ({
  spec,
  limit: limit ?? null,
  val_limit: valLimit ?? null,
  val_split: valSplit ?? null,
});

/** What the rest of the command line says about the data. */
interface DataPlan {
  readonly inputSize: Size;
  readonly recipe: Recipe;
  /** How held-out images are scaled and cropped, by the images to train on. */
  readonly heldOutFit: (train: DataSet) => Required<FitOptions>;
  readonly note: (text: string) => void;
}

/** An error of an option, with the name of its flag. */
export function nameDataFlags(error: unknown, hasImageSize = false): unknown {
  const flags = new Map([
    ['size', hasImageSize ? '--image-size' : '--size'],
    ['valSplit', '--val-split'],
  ]);
  const flag = error instanceof ParamError ? flags.get(error.op) : undefined;
  if (!(error instanceof ParamError) || flag === undefined) return error;
  const { expected, got, hint } = error;
  return new ParamError({ op: flag, expected, got, hint }, { cause: error });
}

/** Opens the training and validation images, and shows the progress. */
export async function openTrainingData(
  spec: string,
  options: TrainingDataOptions,
  { inputSize, recipe, heldOutFit, note }: DataPlan,
): Promise<TrainingData> {
  const { limit, valLimit, imageSize, cache, onBadImage } = options;
  const { seed, augment } = recipe;
  const wantsValidation = valLimit !== 0;
  const valSplit = options.valSplit ?? (wantsValidation ? VAL_SPLIT : 0);
  // A run that began earlier may have a share without effect.
  const requireValSplit = options.valSplit !== undefined && options.resume === undefined;
  const open = async (
    split: FolderSplit,
    what: string,
    n: number | undefined,
    more: OpenDatasetOptions & CacheOptions,
  ): Promise<DataSet> => {
    const count = countDisplay({ what, line: note });
    try {
      return await openDataset(spec, split, {
        ...{ seed, valSplit, requireValSplit, cache, onBadImage, ...more },
        ...(n === undefined ? {} : { n }),
        onProgress: (done, total) => {
          count.show(done, total);
        },
      });
    } catch (error) {
      throw nameDataFlags(error, imageSize !== undefined && split === 'train');
    } finally {
      count.end();
    }
  };
  const keepsSize = imageSize === undefined;
  const train = await open('train', 'images to train on', limit, {
    size: imageSize ?? inputSize,
    keepOriginalSize: keepsSize,
    // With --image-size, crops are taken from images of that size.
    cropFromOriginal: keepsSize && augment.randomResizedCrop !== undefined,
  });
  const heldOutOptions = { ...heldOutFit(train), keepOriginalSize: true };
  const heldOut = wantsValidation ? await open('val', 'held-out images', valLimit, heldOutOptions) : null;
  const validation = heldOut === null || heldOut.n === 0 ? null : heldOut;

  const isDrawn = train.splitSource === 'drawn' && validation !== null;
  const drawn = isDrawn ? ` (${formatPercent(valSplit)} of each class at random: there is no folder val or test)` : '';
  const counts = `${train.n} images to train on, ${validation?.n ?? 0} held out${drawn}`;
  note(`data   ${spec}: ${counts}, ${train.classNames.length} classes`);
  for (const { skipped = [] } of validation === null ? [train] : [train, validation]) {
    for (const { file, reason } of skipped) note(`skipped ${file}: ${reason}`);
    if (skipped.length > 1) note(`skipped ${skipped.length} in total`);
  }
  const { largest, smallest, ratio } = imbalance(train);
  if (ratio > UNBALANCED) {
    const range = `${smallest.count} (${smallest.name}) to ${largest.count} (${largest.name})`;
    note(`unbalanced classes, from ${range} images: training does not weight them`);
  }
  return { train, validation };
}
