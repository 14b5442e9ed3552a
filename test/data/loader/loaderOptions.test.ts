/** The ranges of the loader's options: both ends, and what lies beyond. */
import { describe, expect, test } from '@jest/globals';
import { DataError, ParamError } from '../../../src/core/errors.js';
import {
  batchRecipe,
  checkLoaderOptions,
  isIntegerIn,
  optionError,
  type LoaderOptions,
} from '../../../src/data/loader/loaderOptions.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';

const set = drawShapes(26, { seed: 1, size: 16 });
const OPTIONS: LoaderOptions = { batchSize: 4, seed: 7, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
const gray: ImageSet = { ...set, images: set.images.subarray(0, 26 * 256), channels: 1 };
const GRAY: LoaderOptions = { ...OPTIONS, mean: [0.5], std: [0.5] };

test.each<Partial<LoaderOptions>>([
  { batchSize: 1 },
  { batchSize: 26 },
  { seed: 0 },
  { seed: 2 ** 32 - 1 },
  { inputSize: [1, 2 ** 15] },
  { smoothing: 0 },
  { smoothing: 0.999 },
  { mixup: 0, cutmix: 0 },
  { mixup: 1e-6, cutmix: 1e6 },
  { mixup: 1e6, cutmix: 1e-6 },
  { mixupProb: 0, switchProb: 1 },
  { mixupProb: 1, switchProb: 0 },
  { workers: 0 },
  { workers: 64 },
])('accepts %j', (more) => {
  expect(() => {
    checkLoaderOptions(set, { ...OPTIONS, ...more });
  }).not.toThrow();
});

test.each<[Partial<LoaderOptions>, string]>([
  [{ batchSize: 0 }, 'batchSize: expected an integer from 1 to the 26 images, got 0'],
  [{ batchSize: 27 }, 'batchSize: expected an integer from 1 to the 26 images, got 27'],
  [{ batchSize: 1.5 }, 'batchSize: expected an integer from 1 to the 26 images, got 1.5'],
  [{ seed: -1 }, 'seed: expected an integer in [0, 2^32), got -1'],
  [{ seed: 2 ** 32 }, 'seed: expected an integer in [0, 2^32), got 4294967296'],
  [{ inputSize: [0, 4] }, 'inputSize: expected [height, width], integers >= 1, got [0,4]'],
  [{ inputSize: [4, 2 ** 15 + 1] }, 'inputSize: expected [height, width], integers >= 1, got [4,32769]'],
  [{ inputSize: [4] as never }, 'inputSize: expected [height, width], integers >= 1, got [4]'],
  [{ smoothing: 1 }, 'smoothing: expected a number in [0, 1), got 1'],
  [{ smoothing: -0.1 }, 'smoothing: expected a number in [0, 1), got -0.1'],
  [{ mixup: 1e-7 }, 'mixup: expected 0, or a number in [1e-6, 1e6], got 1e-7'],
  [{ mixup: 2e6 }, 'mixup: expected 0, or a number in [1e-6, 1e6], got 2000000'],
  [{ cutmix: -1 }, 'cutmix: expected 0, or a number in [1e-6, 1e6], got -1'],
  [{ cutmix: Infinity }, 'cutmix: expected 0, or a number in [1e-6, 1e6], got Infinity'],
  [{ mixupProb: 1.1 }, 'mixupProb: expected a probability in [0, 1], got 1.1'],
  [{ mixupProb: -0.1 }, 'mixupProb: expected a probability in [0, 1], got -0.1'],
  [{ switchProb: NaN }, 'switchProb: expected a probability in [0, 1], got NaN'],
  [{ workers: 65 }, 'workers: expected an integer from 0 to 64, got 65'],
  [{ workers: -1 }, 'workers: expected an integer from 0 to 64, got -1'],
  [{ workers: [Symbol('s'), 1n] as never }, 'workers: expected an integer from 0 to 64, got Array'],
  [{ workers: Object.create(null) as never }, 'workers: expected an integer from 0 to 64, got {}'],
])('refuses %j', (more, message) => {
  expect(() => {
    checkLoaderOptions(set, { ...OPTIONS, ...more });
  }).toThrow(expect.objectContaining({ name: 'ParamError', message }));
});

test.each<[Partial<LoaderOptions>, string | undefined]>([
  [{ batchSize: 27 }, 'Lower batchSize to 26 or less, or open more images.'],
  [{ batchSize: 0 }, undefined],
  [{ seed: undefined as never }, 'Pass { seed: 0 }, for example.'],
  [{ inputSize: [4] as never }, 'Pass both sides in pixels: [224, 224].'],
  [{ smoothing: 10 }, 'A share is a number such as 0.1, not a percentage.'],
  [{ mixupProb: 50 }, 'A share is a number such as 0.1, not a percentage.'],
  [{ cutmix: -1 }, 'Pass 0 to turn it off; timm uses 0.8 for mixup and 1 for CutMix.'],
  [{ workers: 65 }, 'More threads than the machine has cores are of no use.'],
])('the hint for %j is %j', (more, hint) => {
  let error: unknown;
  try {
    checkLoaderOptions(set, { ...OPTIONS, ...more });
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(ParamError);
  expect((error as ParamError).hint).toBe(hint);
});

describe('images that are not RGB', () => {
  const check = (more: Partial<LoaderOptions>): (() => void) => {
    return () => {
      checkLoaderOptions(gray, { ...GRAY, ...more });
    };
  };

  test('keep their size and border', () => {
    expect(check({})).not.toThrow();
    expect(check({ inputSize: [16, 16], fit: { crop_pct: 1 } })).not.toThrow();
    // A resize of both sides crops nothing.
    expect(check({ fit: { resize: 'exact', crop_pct: 0.5 } })).not.toThrow();
    const scaled = 'inputSize: expected 16 x 16: only images of 3 channels are scaled, got ';
    expect(check({ inputSize: [16, 8] })).toThrow(
      expect.objectContaining({
        message: `${scaled}[16,8]`,
        hint: 'Leave inputSize out, or open the set in that size.',
      }),
    );
    expect(check({ inputSize: [8, 16] })).toThrow(expect.objectContaining({ message: `${scaled}[8,16]` }));
    expect(check({ fit: { resize: 'short-side', crop_pct: 0.5 } })).toThrow(
      expect.objectContaining({
        message: 'fit: expected crop_pct 1: only images of 3 channels are cropped, got 0.5',
        hint: 'Pass fit: { crop_pct: 1 }, or leave fit out.',
      }),
    );
  });

  test('take no transforms of colors', () => {
    expect(check({ augment: { colorJitter: { hue: 0.1 } } })).toThrow('augment.colorJitter: expected images of 3');
    expect(check({ augment: { randomCrop: { padding: 16, fill: 'reflect' } } })).toThrow('less than 16, the side');
  });
});

test('refuses other values than options', () => {
  expect(() => {
    checkLoaderOptions(set, null as never);
  }).toThrow(expect.objectContaining({ name: 'ParamError', message: 'loader: expected an object, got null' }));
});

test('refuses a set that is inconsistent', () => {
  expect(() => {
    checkLoaderOptions({ ...set, labels: new Uint8Array(26).fill(10) }, OPTIONS);
  }).toThrow(DataError);
});

test('a recipe has the defaults', () => {
  expect(batchRecipe(set, OPTIONS)).toEqual({
    seed: 7,
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.4],
    fit: { size: [16, 16], crop_pct: 0.875, resize: 'exact', interpolation: 'bilinear' },
    smoothing: 0,
    augment: {},
    mix: { mixup: 0, cutmix: 0, prob: 1, switchProb: 0.5 },
  });
  const augment = { rotation: 3 };
  const more = { ...OPTIONS, smoothing: 0.1, mixup: 0.8, cutmix: 0.7, mixupProb: 0.6, switchProb: 0.4, augment };
  const fit = { crop_pct: 0.9, resize: 'short-side', interpolation: 'bicubic' } as const;
  expect(batchRecipe(set, { ...more, inputSize: [8, 9], fit })).toMatchObject({
    smoothing: 0.1,
    augment,
    mix: { mixup: 0.8, cutmix: 0.7, prob: 0.6, switchProb: 0.4 },
    fit: { size: [8, 9], crop_pct: 0.9, resize: 'short-side', interpolation: 'bicubic' },
  });
});

test('an option in an error is shown as it was written', () => {
  expect(optionError('x', 'y', [1, 2])).toMatchObject({ name: 'ParamError', message: 'x: expected y, got [1,2]' });
  expect(optionError('x', 'y', 'z')).toBeInstanceOf(ParamError);
  expect(optionError('x', 'y', 'z', 'Do it.')).toMatchObject({ got: 'z', hint: 'Do it.' });
  expect('hint' in optionError('x', 'y', 'z')).toBe(false);
});

test.each<[unknown, boolean]>([
  [2, true],
  [4, true],
  [1, false],
  [5, false],
  [2.5, false],
  ['3', false],
  [null, false],
])('%p is an integer in [2, 4]: %p', (value, expected) => {
  expect(isIntegerIn(value, 2, 4)).toBe(expected);
});
