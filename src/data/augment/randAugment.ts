import { affine, type Fill } from './affine.js';
import type { Draws } from './draws.js';
import { brightness, contrast, saturation, sharpness } from './enhance.js';
import type { Planes } from './planes.js';
import { rotate } from './rotation.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tones.js';

/** timm's `rand-m9-mstd0.5-inc1` where nothing is given. */
export interface RandAugmentOptions {
  /** In [0, 10]; 9 where it is not given. */
  readonly magnitude?: number;
  /** Ops an image, drawn with replacement; 2 where it is not given. */
  readonly layers?: number;
  /** Deviation of the magnitude, drawn for each op and cut to [0, 10]; 0.5 where it is not given. */
  readonly std?: number;
  /** Probability of each op; 0.5 where it is not given. */
  readonly prob?: number;
  /** How geometric ops sample; 'random' draws one of the two. 'bicubic' where it is not given. */
  readonly interpolation?: 'bilinear' | 'bicubic' | 'random';
}

type Smooth = 'bilinear' | 'bicubic';

/** What an op is given: m, the magnitude in tenths of its range, and a sign for what goes both ways. */
interface Level {
  readonly m: number;
  readonly sign: 1 | -1;
  readonly sampling: Smooth;
  readonly fill: Fill;
}

type Op = (image: Planes, level: Level) => Planes;

/** Factors of enhancement: away from 1 by up to 0.9, to either side. */
const factor = ({ m, sign }: Level): number => Math.max(0.1, 1 + sign * ((m / 10) * 0.9));

/**
 * timm's increasing transforms, all as likely, and how a magnitude m in [0, 10] is meant.
 * Geometric ops fill with the mean color.
 */
export const OPS: Readonly<Record<string, Op>> = {
  AutoContrast: autoContrast,
  Equalize: equalize,
  Invert: invert,
  /** ±3m degrees. */
  Rotate: (image, { m, sign, sampling, fill }) => rotate(image, sign * ((m / 10) * 30), sampling, fill),
  /** Keeps 4 − ⌊0.4m⌋ bits. */
  PosterizeIncreasing: (image, { m }) => posterize(image, 4 - Math.floor((m / 10) * 4)),
  /** From 256 − ⌊25.6m⌋ on. */
  SolarizeIncreasing: (image, { m }) => solarize(image, 256 - Math.floor((m / 10) * 256)),
  /** ⌊11m⌋ */
  SolarizeAdd: (image, { m }) => solarizeAdd(image, Math.floor((m / 10) * 110)),
  /** max(0.1, 1 ± 0.09m), and so the next three. */
  ColorIncreasing: (image, level) => saturation(image, factor(level)),
  ContrastIncreasing: (image, level) => contrast(image, factor(level)),
  BrightnessIncreasing: (image, level) => brightness(image, factor(level)),
  SharpnessIncreasing: (image, level) => sharpness(image, factor(level)),
  /** ±0.03m pixels a pixel. */
  ShearX: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, sign * ((m / 10) * 0.3), 0, 0, 1, 0], sampling, fill),
  ShearY: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, 0, sign * ((m / 10) * 0.3), 1, 0], sampling, fill),
  /** ±0.045m of the side. */
  TranslateXRel: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, sign * ((m / 10) * 0.45) * image.width, 0, 1, 0], sampling, fill),
  TranslateYRel: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, 0, 0, 1, sign * ((m / 10) * 0.45) * image.height], sampling, fill),
};

const NAMES = Object.keys(OPS);

/**
 * timm's RandAugment.
 *
 * @param fill of each channel, 0..255
 */
export function randAugment(image: Planes, options: RandAugmentOptions, fill: Fill, draws: Draws): Planes {
  const { magnitude = 9, layers = 2, std = 0.5, prob = 0.5, interpolation = 'bicubic' } = options;
  let made = image;
  for (let layer = 0; layer < layers; layer++) {
    const op = OPS[NAMES[draws.integerBelow(NAMES.length)]];
    if (!draws.bernoulli(prob)) continue;
    const m = Math.min(10, Math.max(0, std > 0 ? magnitude + std * draws.normal() : magnitude));
    const sign = draws.bernoulli(0.5) ? -1 : 1;
    const sampling = interpolation !== 'random' ? interpolation : draws.bernoulli(0.5) ? 'bilinear' : 'bicubic';
    made = op(made, { m, sign, sampling, fill });
  }
  return made;
}
