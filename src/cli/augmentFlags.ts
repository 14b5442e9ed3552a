/** What flags say of augmentation, over what a file or a preset says. */
import { ParamError } from '../core/errors.js';
import { checkAugment, type AugmentOptions } from '../data/augment/options.js';
import type { RandomResizedCropOptions } from '../data/augment/randomResizedCrop.js';
import { omitUndefined } from './omitUndefined.js';

/** The values of flags, absent where a flag is. */
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

function said(flags: AugmentFlags): AugmentOptions {
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

/** Those a flag gives one value of: the others stay. */
const IN_PART = ['randomCrop', 'randomResizedCrop', 'randAugment', 'randomErasing'] as const;

/**
 * The nearer to the user, the stronger: a crop of one kind takes the place of the other kind.
 *
 * @param before of the file or the preset
 * @throws ParamError for flags that contradict each other
 */
export function augmentOf(flags: AugmentFlags, before: AugmentOptions): AugmentOptions {
  const now = said(flags);
  checkAugment(now);
  const other = now.randomCrop === undefined ? 'randomCrop' : 'randomResizedCrop';
  const replaced = now.randomCrop ?? now.randomResizedCrop;
  const kept = Object.entries(flags.augment === false ? {} : before).filter(
    ([key]) => replaced === undefined || key !== other,
  );
  const below = Object.fromEntries(kept) as AugmentOptions;
  const parts = IN_PART.map((key) => [key, now[key] === undefined ? undefined : { ...below[key], ...now[key] }]);
  const made = { ...below, ...now, ...omitUndefined(Object.fromEntries(parts) as AugmentOptions) };
  const { cropInterpolation: interpolation } = flags;
  if (interpolation === undefined) return made;
  if (made.randomResizedCrop === undefined) {
    throw new ParamError({ op: '--crop-interpolation', expected: '--random-resized-crop', got: 'none' });
  }
  return { ...made, randomResizedCrop: { ...made.randomResizedCrop, interpolation } };
}
