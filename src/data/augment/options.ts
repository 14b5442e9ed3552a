import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';
import type { ColorJitterOptions } from './colorJitter.js';
import type { RandAugmentOptions } from './randAugment.js';
import type { RandomCropOptions } from './randomCrop.js';
import type { RandomErasingOptions } from './randomErasing.js';
import type { RandomResizedCropOptions } from './randomResizedCrop.js';

/**
 * What is done to each image at random, in this order, whatever the order of the keys.
 * What is not given is not done.
 */
export interface AugmentOptions {
  /** In the set's own size. Not together with `randomResizedCrop`. */
  readonly randomCrop?: RandomCropOptions;
  readonly randomResizedCrop?: RandomResizedCropOptions;
  readonly colorJitter?: ColorJitterOptions;
  /** Probability in [0, 1]. */
  readonly horizontalFlip?: number;
  /** Up to so many degrees to either side, in [0, 180]; nearest pixels, black outside. */
  readonly rotation?: number;
  readonly randAugment?: RandAugmentOptions;
  /** Of normalized pixels, and so the last. */
  readonly randomErasing?: RandomErasingOptions;
}

type Check = (name: string, value: unknown) => void;

function refuse(op: string, expected: string, got: unknown): never {
  throw new ParamError({ op, expected, got: Array.isArray(got) ? `[${got.join(', ')}]` : String(got) });
}

/** A number that `accepts` takes: NaN and what is no number never are. */
const number =
  (expected: string, accepts: (v: number) => boolean): Check =>
  (name, value) => {
    if (typeof value !== 'number' || !accepts(value)) refuse(name, expected, value);
  };

const isFinite = Number.isFinite;
const probability = number('a probability in [0, 1]', (v) => v >= 0 && v <= 1);
const count = (low: number): Check => number(`an integer >= ${low}`, (v) => Number.isSafeInteger(v) && v >= low);
const strength = number('a number >= 0', (v) => v >= 0 && isFinite(v));
const within = (low: number, high: number): Check =>
  number(`a number in [${low}, ${high}]`, (v) => v >= low && v <= high);

const oneOf =
  (...values: readonly unknown[]): Check =>
  (name, value) => {
    if (!values.includes(value)) refuse(name, values.join(', '), value);
  };

/** Two numbers with 0 < low ≤ high ≤ most. */
const range =
  (most: number): Check =>
  (name, value) => {
    const pair = Array.isArray(value) && value.length === 2 ? (value as readonly unknown[]) : [];
    const [low, high] = pair;
    const fits = typeof low === 'number' && typeof high === 'number' && low > 0 && low <= high && high <= most;
    if (!fits || !isFinite(high)) {
      refuse(name, `two numbers, 0 < low <= high${most < Infinity ? ` <= ${most}` : ''}`, value);
    }
  };

/** An object of these keys alone; those in `required` must be there. */
const object =
  (keys: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (name, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(name, 'an object', value);
    const given = Object.entries(value).filter(([, v]) => v !== undefined);
    for (const [key, v] of given) {
      if (!Object.hasOwn(keys, key))
        refuse(`${name}.${key}`, `one of ${Object.keys(keys).join(', ')}`, 'an unknown key');
      keys[key](`${name}.${key}`, v);
    }
    const missing = required.find((key) => !given.some(([k]) => k === key));
    if (missing !== undefined) refuse(`${name}.${missing}`, 'a value', 'none');
  };

const smooth = oneOf('bilinear', 'bicubic', 'random');

const KEYS: Readonly<Record<keyof AugmentOptions, Check>> = {
  randomCrop: object({ padding: count(0), fill: oneOf(0, 'reflect') }, ['padding']),
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
    layers: count(1),
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
      count: count(1),
    },
    ['prob'],
  ),
};
const CHECK = object(KEYS);

export const AUGMENT_KEYS = Object.keys(KEYS) as (keyof AugmentOptions)[];

/** What needs red, green and blue. */
const OF_COLORS = ['randomResizedCrop', 'colorJitter', 'randAugment'] as const;

/**
 * Whether these are options, and of these images.
 *
 * @param images what they shall be used on, where that is known
 * @throws ParamError naming the key that is unknown or out of range
 */
export function checkAugment(
  options: AugmentOptions,
  images?: { readonly channels: number; readonly size: Size },
): void {
  CHECK('augment', options);
  const { randomCrop, randomResizedCrop } = options;
  if (randomCrop !== undefined && randomResizedCrop !== undefined) {
    refuse('augment.randomCrop', 'one kind of crop', 'randomResizedCrop too');
  }
  if (images === undefined) return;
  const { channels, size } = images;
  const colorful = OF_COLORS.find((key) => options[key] !== undefined);
  if (channels !== 3 && colorful !== undefined) refuse(`augment.${colorful}`, 'images of 3 channels', channels);
  if (randomCrop?.fill === 'reflect' && randomCrop.padding >= Math.min(...size)) {
    refuse('augment.randomCrop.padding', `less than ${Math.min(...size)}, the side, to reflect`, randomCrop.padding);
  }
}
