import type { Size } from '../core/shapes.js';
import { imbalance } from '../data/sets/classes.js';
import type { DataSet, FolderSplit } from '../data/sets/dataset.js';
import type { Cache } from '../data/sets/imageFolder.js';
import { openDataset } from '../data/sets/open.js';
import type { DataSelection } from '../train/origin.js';
import type { Recipe } from '../train/recipe.js';
import type { TrainingData } from '../train/runOptions.js';
import { countDisplay } from './countBar.js';
import { percent } from './print.js';

export interface TrainingDataOptions {
  readonly limit?: number;
  readonly valLimit?: number;
  readonly valSplit?: number;
  readonly imageSize?: Size;
  readonly cache: Cache;
  readonly onBadImage: 'fail' | 'skip';
}

/** Held out of each class, where the data hold out nothing. */
const VAL_SPLIT = 0.1;
/** Classes further apart than this are worth a word. */
const UNBALANCED = 2;

/** What a user said of the data. */
export const choiceOf = (spec: string, { limit, valLimit, valSplit }: TrainingDataOptions): DataSelection => ({
  spec,
  limit: limit ?? null,
  val_limit: valLimit ?? null,
  val_split: valSplit ?? null,
});

/** Opens what is trained on and what is held out, and shows how far it is. */
export async function openTrainingData(
  spec: string,
  options: TrainingDataOptions,
  { inputSize, recipe, note }: { inputSize: Size; recipe: Recipe; note: (text: string) => void },
): Promise<TrainingData> {
  const { limit, valLimit, imageSize, cache, onBadImage } = options;
  const { seed, augment } = recipe;
  const wantsHeldOut = valLimit !== 0;
  const valSplit = options.valSplit ?? (wantsHeldOut ? VAL_SPLIT : 0);
  const open = async (split: FolderSplit, what: string, n: number | undefined): Promise<DataSet> => {
    const count = countDisplay({ what, line: note });
    try {
      return await openDataset(spec, split, {
        ...{
          size: imageSize ?? inputSize,
          keepOriginalSize: imageSize === undefined,
          seed,
          valSplit,
          cache,
          onBadImage,
        },
        ...(n === undefined ? {} : { n }),
        // A size that was asked for is that of what is cropped.
        cropFromOriginal: split === 'train' && augment.randomResizedCrop !== undefined && imageSize === undefined,
        onProgress: (done, total) => {
          count.show(done, total);
        },
      });
    } finally {
      count.end();
    }
  };
  const train = await open('train', 'images to train on', limit);
  const held = wantsHeldOut ? await open('val', 'held-out images', valLimit) : null;
  const validation = held === null || held.n === 0 ? null : held;

  const isDrawn = train.splitSource === 'drawn' && validation !== null;
  const drawn = isDrawn
    ? ` (${percent(valSplit)} of each class, drawn by the seed: there is no folder val or test)`
    : '';
  const counts = `${train.n} images to train on, ${validation?.n ?? 0} held out${drawn}`;
  note(`data   ${spec}: ${counts}, ${train.classNames.length} classes`);
  for (const { skipped = [] } of validation === null ? [train] : [train, validation]) {
    for (const { file, reason } of skipped) note(`skipped ${file}: ${reason}`);
    if (skipped.length > 1) note(`skipped ${skipped.length} in all`);
  }
  const { largest, smallest, ratio } = imbalance(train);
  if (ratio > UNBALANCED) {
    const range = `${smallest.count} (${smallest.name}) to ${largest.count} (${largest.name})`;
    note(`classes of ${range} images: they are trained on as they are`);
  }
  return { train, validation };
}
