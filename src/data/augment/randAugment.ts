import { affine, type Fill } from './affine.js';
import type { Draws } from './draws.js';
import { brightness, contrast, saturation, sharpness } from './enhance.js';
import type { Planes } from './planes.js';
import { rotate } from './rotation.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tones.js';

/** The defaults are timm's `rand-m9-mstd0.5-inc1`. */
export interface RandAugmentOptions {
  /** In [0, 10]. Default 9. */
  readonly magnitude?: number;
  /** Number of ops for each image, drawn with replacement; >= 1. Default 2. */
  readonly layers?: number;
  /** Standard deviation of each op's magnitude, which is clamped to [0, 10]; >= 0. Default 0.5. */
  readonly std?: number;
  /** Probability that an op is applied, in [0, 1]. Default 0.5. */
  readonly prob?: number;
  /** Sampling of geometric ops; 'random' draws one of the other two. Default 'bicubic'. */
  readonly interpolation?: 'bilinear' | 'bicubic' | 'random';
}

type SmoothSampling = 'bilinear' | 'bicubic';

/** Arguments of an op: the magnitude m in tenths of its range, and a sign for ops with two directions. */
interface Level {
  readonly m: number;
  readonly sign: 1 | -1;
  readonly sampling: SmoothSampling;
  readonly fill: Fill;
}

type Op = (image: Planes, level: Level) => Planes;

/** Factor of an enhancement: max(0.1, 1 ± 0.09m). */
const factor = ({ m, sign }: Level): number => Math.max(0.1, 1 + sign * ((m / 10) * 0.9));

/**
 * timm's increasing transforms, all with the same probability, with the meaning of a magnitude m in [0, 10]. Geometric
 * ops fill with the mean color.
 */
export const OPS: Readonly<Record<string, Op>> = {
  AutoContrast: autoContrast,
  Equalize: equalize,
  Invert: invert,
  /** By ±3m degrees. */
  Rotate: (image, { m, sign, sampling, fill }) => rotate(image, sign * ((m / 10) * 30), sampling, fill),
  /** To 4 − ⌊0.4m⌋ bits. */
  PosterizeIncreasing: (image, { m }) => posterize(image, 4 - Math.floor((m / 10) * 4)),
  /** Threshold 256 − ⌊25.6m⌋. */
  SolarizeIncreasing: (image, { m }) => solarize(image, 256 - Math.floor((m / 10) * 256)),
  /** Adds ⌊11m⌋. */
  SolarizeAdd: (image, { m }) => solarizeAdd(image, Math.floor((m / 10) * 110)),
  /** Factor max(0.1, 1 ± 0.09m), also for the next three. */
  ColorIncreasing: (image, level) => saturation(image, factor(level)),
  ContrastIncreasing: (image, level) => contrast(image, factor(level)),
  BrightnessIncreasing: (image, level) => brightness(image, factor(level)),
  SharpnessIncreasing: (image, level) => sharpness(image, factor(level)),
  /** By ±0.03m pixels per row or column. */
  ShearX: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, sign * ((m / 10) * 0.3), 0, 0, 1, 0], sampling, fill),
  ShearY: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, 0, sign * ((m / 10) * 0.3), 1, 0], sampling, fill),
  /** By ±0.045m of the side. */
  TranslateXRel: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, sign * ((m / 10) * 0.45) * image.width, 0, 1, 0], sampling, fill),
  TranslateYRel: (image, { m, sign, sampling, fill }) =>
    affine(image, [1, 0, 0, 0, 1, sign * ((m / 10) * 0.45) * image.height], sampling, fill),
};

const NAMES = Object.keys(OPS);

/**
 * timm's RandAugment.
 *
 * @param fill the color outside of the image, 0..255 for each channel
 */
export function randAugment(image: Planes, options: RandAugmentOptions, fill: Fill, draws: Draws): Planes {
  const { magnitude = 9, layers = 2, std = 0.5, prob = 0.5, interpolation = 'bicubic' } = options;
  let result = image;
  for (let layer = 0; layer < layers; layer++) {
    const op = OPS[NAMES[draws.integerBelow(NAMES.length)]];
    if (!draws.bernoulli(prob)) continue;
    const m = Math.min(10, Math.max(0, std > 0 ? magnitude + std * draws.normal() : magnitude));
    const sign = draws.bernoulli(0.5) ? -1 : 1;
    const sampling = interpolation !== 'random' ? interpolation : draws.bernoulli(0.5) ? 'bilinear' : 'bicubic';
    result = op(result, { m, sign, sampling, fill });
  }
  return result;
}
