import { checkKeys, checkObject, show } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';
import { normalizationTables } from '../../image/normalize.js';
import { resolveFit, type FitOptions } from '../../image/preprocess.js';
import { checkAugment, type AugmentOptions } from '../augment/options.js';
import { checkDataset } from '../sets/classes.js';
import type { DataSet } from '../sets/dataset.js';
import { inputChannels, type BatchRecipe } from './makeBatch.js';

/** The α of mixup and CutMix, if it is not 0: numbers of a Beta distribution with another one may never be drawn. */
export const ALPHA = { min: 1e-6, max: 1e6 } as const;

export interface LoaderOptions {
  /** Images in a batch, from 1 to the size of the set. */
  readonly batchSize: number;
  /** Seed of shuffles and augmentation, an integer in [0, 2^32). */
  readonly seed: number;
  /**
   * Mean and standard deviation of each channel, for pixels scaled to [0, 1]. With a single one, images of 3 channels are
   * converted to grayscale after the augmentation, and batches have one channel.
   */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Height and width of the batches' images. Default: the size of the set's images. */
  readonly inputSize?: Size;
  /**
   * How images are scaled and cropped to `inputSize`, see `FitOptions`; a random resized crop has that size already.
   * Default `{ resize: 'exact', interpolation: 'bilinear' }`. For validation, what the configuration says.
   */
  readonly fit?: Omit<FitOptions, 'size'>;
  /** Label smoothing s in [0, 1): targets are (1 − s)·onehot + s/classes. Default 0. */
  readonly smoothing?: number;
  readonly augment?: AugmentOptions;
  /** α of mixup's Beta(α, α); 0 for no mixup. Default 0. */
  readonly mixup?: number;
  /** α of CutMix's Beta(α, α); 0 for no CutMix. Default 0. */
  readonly cutmix?: number;
  /** Probability that a batch is mixed, in [0, 1]. Default 1. */
  readonly mixupProb?: number;
  /** Probability that a mixed batch uses CutMix if both are on, in [0, 1]. Default 0.5. */
  readonly switchProb?: number;
  /** Whether each epoch has a new random order. Default true. */
  readonly shuffle?: boolean;
  /** Whether an incomplete last batch is left out. Default true. */
  readonly dropLast?: boolean;
  /** Threads that prepare batches, from 0 to 64; 0 prepares each batch in this thread on demand. Default 1. */
  readonly workers?: number;
}

const KEYS = [
  ...['batchSize', 'seed', 'mean', 'std', 'inputSize', 'fit', 'smoothing', 'augment', 'mixup', 'cutmix', 'mixupProb'],
  ...['switchProb', 'shuffle', 'dropLast', 'workers'],
];

/** Each side by its own factor, as torchvision's `Resize` with two sides. */
const EXACT = { resize: 'exact', interpolation: 'bilinear' } as const;

const MAX_WORKERS = 64;

const SHARE_HINT = 'A share is a number such as 0.1, not a percentage.';
const ALPHA_HINT = 'Pass 0 to turn it off; timm uses 0.8 for mixup and 1 for CutMix.';
const WORKERS_HINT = 'More threads than the machine has cores are of no use.';

/** The error of an option that is out of its range. */
export const optionError = (op: string, expected: string, got: unknown, hint?: string): ParamError =>
  new ParamError({ op, expected, got: typeof got === 'string' ? got : show(got), hint });

export const isIntegerIn = (value: unknown, low: number, high: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;

/** @throws ParamError naming the option, DataError for a set that is inconsistent */
export function checkLoaderOptions(set: DataSet, options: LoaderOptions): void {
  checkKeys(checkObject('loader', options), KEYS, (key) => key);
  const requireThat = (condition: boolean, op: string, expected: string, got: unknown, hint?: string): void => {
    if (!condition) throw optionError(op, expected, got, hint);
  };
  const { batchSize, seed, inputSize = [set.height, set.width], smoothing = 0, workers = 1 } = options;
  const expectedBatch = `an integer from 1 to the ${set.n} images`;
  const batchHint = batchSize > set.n ? `Lower batchSize to ${set.n} or less, or open more images.` : undefined;
  requireThat(isIntegerIn(batchSize, 1, set.n), 'batchSize', expectedBatch, batchSize, batchHint);
  requireThat(
    isIntegerIn(seed, 0, 2 ** 32 - 1),
    'seed',
    'an integer in [0, 2^32)',
    seed,
    'Pass { seed: 0 }, for example.',
  );
  const isSize = (inputSize as readonly number[]).length === 2 && inputSize.every((v) => isIntegerIn(v, 1, 2 ** 15));
  const sizeHint = 'Pass both sides in pixels: [224, 224].';
  requireThat(isSize, 'inputSize', '[height, width], integers >= 1', inputSize, sizeHint);
  const isScaled = inputSize[0] !== set.height || inputSize[1] !== set.width;
  const fixedSize = `${set.height} x ${set.width}: only images of 3 channels are scaled`;
  const fit = resolveFit({ ...(options.fit ?? EXACT), size: inputSize });
  const isCropped = fit.resize === 'short-side' && fit.crop_pct !== 1;
  requireThat(
    set.channels === 3 || !isCropped,
    'fit',
    'crop_pct 1: only images of 3 channels are cropped',
    fit.crop_pct,
    'Pass fit: { crop_pct: 1 }, or leave fit out.',
  );
  requireThat(
    set.channels === 3 || !isScaled,
    'inputSize',
    fixedSize,
    inputSize,
    'Leave inputSize out, or open the set in that size.',
  );
  requireThat(smoothing >= 0 && smoothing < 1, 'smoothing', 'a number in [0, 1)', smoothing, SHARE_HINT);
  for (const key of ['mixup', 'cutmix'] as const) {
    const alpha = options[key] ?? 0;
    // Beyond, drawing from Beta(α, α) overflows or never ends.
    requireThat(
      alpha === 0 || (alpha >= ALPHA.min && alpha <= ALPHA.max),
      key,
      '0, or a number in [1e-6, 1e6]',
      alpha,
      ALPHA_HINT,
    );
  }
  for (const key of ['mixupProb', 'switchProb'] as const) {
    const probability = options[key] ?? 1;
    requireThat(probability >= 0 && probability <= 1, key, 'a probability in [0, 1]', probability, SHARE_HINT);
  }
  requireThat(
    isIntegerIn(workers, 0, MAX_WORKERS),
    'workers',
    `an integer from 0 to ${MAX_WORKERS}`,
    workers,
    WORKERS_HINT,
  );
  normalizationTables(inputChannels(set.channels, options), options.mean, options.std);
  checkAugment(options.augment ?? {}, { channels: set.channels, size: [set.height, set.width] });
  checkDataset(set);
}

/** The options that determine the content of a batch, with their defaults. */
export const batchRecipe = (set: DataSet, options: LoaderOptions): BatchRecipe => ({
  seed: options.seed,
  mean: [...options.mean],
  std: [...options.std],
  fit: resolveFit({ ...(options.fit ?? EXACT), size: options.inputSize ?? [set.height, set.width] }),
  smoothing: options.smoothing ?? 0,
  augment: options.augment ?? {},
  mix: {
    mixup: options.mixup ?? 0,
    cutmix: options.cutmix ?? 0,
    prob: options.mixupProb ?? 1,
    switchProb: options.switchProb ?? 0.5,
  },
});
