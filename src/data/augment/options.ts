import { show } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import { nearestKey } from '../../core/nearestName.js';
import type { Size } from '../../core/shapes.js';
import type { ColorJitterOptions } from './colorJitter.js';
import type { RandAugmentOptions } from './randAugment.js';
import type { RandomCropOptions } from './randomCrop.js';
import type { RandomErasingOptions } from './randomErasing.js';
import type { RandomResizedCropOptions } from './randomResizedCrop.js';

/**
 * Random transforms of each image, applied in this order, whatever the order of the keys. Absent ones are not applied.
 */
export interface AugmentOptions {
  /** A crop of the image's own size. Excludes `randomResizedCrop`. */
  readonly randomCrop?: RandomCropOptions;
  readonly randomResizedCrop?: RandomResizedCropOptions;
  readonly colorJitter?: ColorJitterOptions;
  /** Probability of mirroring left to right, in [0, 1]. */
  readonly horizontalFlip?: number;
  /** Maximum angle in degrees to either side, in [0, 180]; nearest sampling, black outside. */
  readonly rotation?: number;
  readonly randAugment?: RandAugmentOptions;
  /** Applied last, to normalized pixels. */
  readonly randomErasing?: RandomErasingOptions;
}

/** Pixels on each side. */
const MAX_PADDING = 2 ** 12;

type Check = (name: string, value: unknown) => void;

/** Lists as users write them: `[1, 2]`. */
const showOption = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? `[${value.map(show).join(', ')}]` : show(value);
};

function refuse(op: string, expected: string, got: unknown, hint?: string): never {
  throw new ParamError({ op, expected, got: showOption(got), hint });
}

function hintFor(key: string, keys: readonly string[]): string | undefined {
  const match = nearestKey(key, keys);
  return match === undefined ? undefined : `Did you mean ${match}?`;
}

/** Checks a number. */
const number =
  (expected: string, accepts: (v: number) => boolean): Check =>
  (name, value) => {
    if (typeof value !== 'number' || !accepts(value)) refuse(name, expected, value);
  };

const isFinite = Number.isFinite;
const probability = number('a probability in [0, 1]', (v) => v >= 0 && v <= 1);
/** The work for an image is bounded, and so is the memory of a padded one. */
const count = (low: number, high: number): Check =>
  number(`an integer in [${low}, ${high}]`, (v) => Number.isSafeInteger(v) && v >= low && v <= high);
const strength = number('a number >= 0', (v) => v >= 0 && isFinite(v));
const within = (low: number, high: number): Check =>
  number(`a number in [${low}, ${high}]`, (v) => v >= low && v <= high);

const oneOf =
  (...values: readonly unknown[]): Check =>
  (name, value) => {
    if (!values.includes(value)) refuse(name, values.join(', '), value);
  };

/** Two numbers with 0 < low <= high <= max. */
const range =
  (max: number): Check =>
  (name, value) => {
    const pair = Array.isArray(value) && value.length === 2 ? (value as readonly unknown[]) : [];
    const [low, high] = pair;
    const fits = typeof low === 'number' && typeof high === 'number' && low > 0 && low <= high && high <= max;
    if (!fits || !isFinite(high)) {
      refuse(name, `two numbers, 0 < low <= high${max < Infinity ? ` <= ${max}` : ''}`, value);
    }
  };

/** An object without other keys; those in `required` must be present. */
const object =
  (keys: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (name, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(name, 'an object', value);
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    for (const [key, v] of entries) {
      if (!Object.hasOwn(keys, key)) {
        const known = Object.keys(keys);
        refuse(`${name}.${key}`, `one of the keys ${known.join(', ')}`, 'an unknown key', hintFor(key, known));
      }
      keys[key](`${name}.${key}`, v);
    }
    const missing = required.find((key) => !entries.some(([k]) => k === key));
    if (missing !== undefined) refuse(`${name}.${missing}`, 'a value', 'none');
  };

const smooth = oneOf('bilinear', 'bicubic', 'random');

const KEYS: Readonly<Record<keyof AugmentOptions, Check>> = {
  randomCrop: object({ padding: count(0, MAX_PADDING), fill: oneOf(0, 'reflect') }, ['padding']),
  randomResizedCrop: object({ scale: range(1), ratio: range(Infinity), interpolation: smooth }),
  colorJitter: object({
    brightness: strength,
    contrast: strength,
    saturation: strength,
    hue: within(0, 0.5),
  }),
  horizontalFlip: probability,
  rotation: within(0, 180),
  randAugment: object({
    magnitude: within(0, 10),
    layers: count(1, 100),
    std: strength,
    prob: probability,
    interpolation: smooth,
  }),
  randomErasing: object(
    {
      prob: probability,
      area: range(1),
      aspect: range(Infinity),
      mode: oneOf('const', 'rand', 'pixel'),
      count: count(1, 1000),
    },
    ['prob'],
  ),
};
const CHECK = object(KEYS);

export const AUGMENT_KEYS = Object.keys(KEYS) as (keyof AugmentOptions)[];

/** Transforms that need three channels. */
const COLOR_TRANSFORMS = ['randomResizedCrop', 'colorJitter', 'randAugment'] as const;

/**
 * Checks options, and whether they apply to the images.
 *
 * @param images channels and size of the images, if known
 * @throws ParamError naming the key that is unknown or out of range
 */
export function checkAugment(
  options: AugmentOptions,
  images?: { readonly channels: number; readonly size: Size },
): void {
  CHECK('augment', options);
  const { randomCrop, randomResizedCrop } = options;
  if (randomCrop !== undefined && randomResizedCrop !== undefined) {
    refuse('augment.randomCrop', 'one kind of crop', 'randomResizedCrop too', 'Remove one of them.');
  }
  if (images === undefined) return;
  const { channels, size } = images;
  const colorTransform = COLOR_TRANSFORMS.find((key) => options[key] !== undefined);
  if (channels !== 3 && colorTransform !== undefined)
    refuse(`augment.${colorTransform}`, 'images of 3 channels', channels, 'Remove this transform.');
  if (randomCrop?.fill === 'reflect' && randomCrop.padding >= Math.min(...size)) {
    refuse(
      'augment.randomCrop.padding',
      `less than ${Math.min(...size)}, the side, to reflect`,
      randomCrop.padding,
      'Or pass fill: 0.',
    );
  }
}
