/** Merges augmentation flags with the augmentation of a file or preset. */
import { ParamError } from '../core/errors.js';
import { checkAugment, type AugmentOptions } from '../data/augment/options.js';
import type { RandomResizedCropOptions } from '../data/augment/randomResizedCrop.js';
import { omitUndefined } from './omitUndefined.js';

/** The values of the flags that are present. */
export interface AugmentFlags {
  readonly randomCrop?: number;
  readonly randomResizedCrop?: readonly number[];
  readonly cropInterpolation?: NonNullable<RandomResizedCropOptions['interpolation']>;
  readonly flip?: number;
  readonly rotation?: number;
  readonly colorJitter?: readonly number[];
  readonly randAugment?: number;
  readonly randomErasing?: number;
  /** False for `--no-augment`. */
  readonly augment?: boolean;
}

function optionsOf(flags: AugmentFlags): AugmentOptions {
  const [brightness, contrast = brightness, saturation = brightness, hue] = flags.colorJitter ?? [];
  const [low, high = 1] = flags.randomResizedCrop ?? [];
  return omitUndefined({
    randomCrop: flags.randomCrop === undefined ? undefined : { padding: flags.randomCrop },
    randomResizedCrop: flags.randomResizedCrop === undefined ? undefined : { scale: [low, high] },
    horizontalFlip: flags.flip,
    rotation: flags.rotation,
    colorJitter: flags.colorJitter === undefined ? undefined : omitUndefined({ brightness, contrast, saturation, hue }),
    randAugment: flags.randAugment === undefined ? undefined : { magnitude: flags.randAugment },
    randomErasing: flags.randomErasing === undefined ? undefined : { prob: flags.randomErasing },
  }) as AugmentOptions;
}

/** Options of which a flag sets one value only. The others keep the values of the file or preset. */
const PARTIAL = ['randomCrop', 'randomResizedCrop', 'randAugment', 'randomErasing'] as const;

/**
 * Merges the flags into the options below them. A crop of one kind replaces one of the other kind.
 *
 * @param base the options of the file or the preset
 * @throws ParamError for flags that contradict each other
 */
export function augmentOf(flags: AugmentFlags, base: AugmentOptions): AugmentOptions {
  const fromFlags = optionsOf(flags);
  checkAugment(fromFlags);
  const hasCrop = (fromFlags.randomCrop ?? fromFlags.randomResizedCrop) !== undefined;
  const otherCrop = fromFlags.randomCrop === undefined ? 'randomCrop' : 'randomResizedCrop';
  const entries = Object.entries(flags.augment === false ? {} : base);
  const below = Object.fromEntries(entries.filter(([key]) => !hasCrop || key !== otherCrop)) as AugmentOptions;
  const parts = PARTIAL.map((key) => [
    key,
    fromFlags[key] === undefined ? undefined : { ...below[key], ...fromFlags[key] },
  ]);
  const merged = { ...below, ...fromFlags, ...omitUndefined(Object.fromEntries(parts) as AugmentOptions) };
  const { cropInterpolation: interpolation } = flags;
  if (interpolation === undefined) return merged;
  if (merged.randomResizedCrop === undefined) {
    const hint = 'Add --random-resized-crop, or omit --crop-interpolation.';
    throw new ParamError({ op: '--crop-interpolation', expected: '--random-resized-crop', got: 'none', hint });
  }
  return { ...merged, randomResizedCrop: { ...merged.randomResizedCrop, interpolation } };
}
