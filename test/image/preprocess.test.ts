import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import { centerCrop, cut, roundHalfEven } from '../../src/image/crop.js';
import { normalize } from '../../src/image/normalize.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import {
  fit,
  fitOptions,
  keepsImage,
  preprocess,
  preprocessOptions,
  resolveFit,
  type FitOptions,
} from '../../src/image/preprocess.js';
import { resize, resizePart } from '../../src/image/resize.js';
import { refusal } from '../io/refusal.js';
import { goldens, imageOf, withAlpha } from './goldens.js';

const mean = [0.5, 0.25, 0];
const std = [0.5, 0.25, 1];
const noise = imageOf('noise');

describe('preprocessing', () => {
  test('does not change an image of the right size', () => {
    const even = imageOf('even');
    expect(fit(even, { size: [32, 32], crop_pct: 1 })).toEqual(even);
    expect(resize(noise, [noise.height, noise.width])).toEqual(noise);
    expect(centerCrop(noise, [noise.height, noise.width])).toEqual(noise);
  });

  test('keeps a uniform image uniform at any size', () => {
    for (const value of [0, 1, 127, 254, 255]) {
      const flat = { data: new Uint8Array(3 * 37 * 11).fill(value), width: 37, height: 11 };
      for (const interpolation of ['bicubic', 'bilinear', 'box'] as const) {
        for (const [height, width] of [
          [5, 9],
          [64, 3],
          [12, 100],
        ] as const) {
          const scaled = resize(flat, [height, width], interpolation);
          expect(scaled.data.every((v) => v === value)).toBe(true);
        }
      }
    }
  });

  test('computes a window of a resized image alone', () => {
    const window = { top: 4, left: 7, height: 9, width: 5 };
    for (const size of [
      [14, 17],
      [40, 17],
      [23, 50],
      [60, 31],
      [23, 31],
    ] as const) {
      for (const from of [noise, withAlpha(noise)]) {
        expect(resizePart(from, size, 'bicubic', window)).toEqual(cut(resize(noise, size), window));
      }
    }
  });

  test('does not depend on alpha or on the type of byte array', () => {
    const options = { size: [13, 13], mean, std } as const;
    const expected = preprocess(noise, options);
    expect(preprocess(withAlpha(noise), options)).toEqual(expected);
    expect(preprocess({ ...noise, data: new Uint8ClampedArray(noise.data) }, options)).toEqual(expected);
    expect(preprocess({ ...noise, data: Buffer.from(noise.data) }, options)).toEqual(expected);
    expect(centerCrop(withAlpha(noise), [5, 40])).toEqual(centerCrop(noise, [5, 40]));
  });

  test('does not change its input', () => {
    const before = noise.data.slice();
    preprocess(noise, { size: [8, 8], mean, std });
    expect(noise.data).toEqual(before);
  });

  test('is (v/255 - mean) / std of the result of fit, rounded once', () => {
    const options = { size: [11, 14], crop_pct: 0.9, interpolation: 'bilinear' } as const;
    const { data } = fit(noise, options);
    const expected = [0, 1, 2].flatMap((c) =>
      Array.from({ length: 11 * 14 }, (_, i) => (data[3 * i + c] / 255 - mean[c]) / std[c]),
    );
    expect(preprocess(noise, { ...options, mean, std })).toEqual(Float32Array.from(expected));
  });

  test("has timm's defaults: 0.875, bicubic", () => {
    const { image, size } = goldens.normalized;
    const result = fit(imageOf(image), { size });
    expect(result).toEqual(
      fit(imageOf(image), { size, crop_pct: 0.875, interpolation: 'bicubic', resize: 'short-side' }),
    );
  });

  test('computes only the center crop of a line of 100 000 pixels', () => {
    const line = { data: new Uint8Array(300_000).fill(7), width: 100_000, height: 1 };
    const { data } = fit(line, { size: [224, 224] });
    expect(data.length).toBe(3 * 224 * 224);
    expect(data.every((v) => v === 7)).toBe(true);
  });

  test('rounds ties to even', () => {
    expect([0.5, 1.5, 2.5, 3.5, 0.4, 0.6, 7].map(roundHalfEven)).toEqual([0, 2, 2, 4, 0, 1, 7]);
  });
});

describe('the options of a configuration', () => {
  const config = resolveConfig({
    ...{ dims: [4, 6], strides: [2], input_size: [20, 30], crop_pct: 0.8, interpolation: 'box' },
    ...{ mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
  });

  test('of fit and of preprocess', () => {
    const expected = { size: [20, 30], resize: 'short-side', crop_pct: 0.8, interpolation: 'box' };
    expect(fitOptions(config)).toEqual(expected);
    const all = { ...expected, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] };
    expect(preprocessOptions(config)).toEqual(all);
  });

  test('defaults: short-side, 0.875 or the default of the caller, bicubic', () => {
    const rest = { size: [5, 6], resize: 'short-side', interpolation: 'bicubic' };
    expect(resolveFit({ size: [5, 6] })).toEqual({ ...rest, crop_pct: 0.875 });
    expect(resolveFit({ size: [5, 6] }, 1)).toEqual({ ...rest, crop_pct: 1 });
    expect(resolveFit({ size: [5, 6], crop_pct: 0.5, resize: 'exact', interpolation: 'box' }, 1)).toEqual({
      ...{ size: [5, 6], crop_pct: 0.5, resize: 'exact', interpolation: 'box' },
    });
  });

  test.each([
    [[5, 6], 'short-side', 1, true],
    [[5, 6], 'short-side', 0.9, false],
    [[5, 6], 'exact', 0.9, true],
    [[5, 7], 'exact', 1, false],
    [[4, 6], 'exact', 1, false],
  ] as const)('fit to %j, %s, crop_pct %d keeps an image of 5x6: %s', (size, how, crop_pct, keeps) => {
    const image = { data: noise.data.slice(0, 90), height: 5, width: 6 };
    const options = resolveFit({ size, resize: how, crop_pct });
    expect(keepsImage(image, options)).toBe(keeps);
    if (keeps) expect(fit(image, options)).toEqual(image);
  });
});

describe('bounds', () => {
  const pixel = { data: new Uint8Array(3), width: 1, height: 1 };
  const column = { data: new Uint8Array(3 * 70_000), width: 1, height: 70_000 };

  test.each([
    ['resize', () => resize(pixel, [8192, 8193]), '8192 x 8193'],
    ['centerCrop', () => centerCrop(pixel, [1, 2 ** 26 + 1]), `1 x ${2 ** 26 + 1}`],
    // The rows of a high image, each widened: 70,000 times 1,000.
    ['resize of a column', () => resize(column, [10, 1000]), '70000 x 1000'],
  ])('%s refuses more than 2^26 pixels', (_, call, got) => {
    expect(call).toThrow(refusal(ParamError, 'size', 'at most 67108864 pixels', got));
  });
});

test('a window far down a high image is resized, and its rows alone are counted', () => {
  const high = { data: new Uint8Array(6 * 16_384).fill(7), width: 2, height: 16_384 };
  const window = { top: 16_000, left: 0, height: 2, width: 4096 };
  const part = resizePart(high, [16_384, 4096], 'box', window);
  expect([part.height, part.width, part.data.every((value) => value === 7)]).toEqual([2, 4096, true]);
});

test("'exact' resizes each side by its own factor, without cropping", () => {
  const wide = { data: Uint8Array.of(0, 0, 0, 0, 0, 0, 200, 200, 200, 200, 200, 200), width: 4, height: 1 };
  const options = { size: [1, 2], crop_pct: 0.5, interpolation: 'box' } as const;
  const exact = fit(wide, { ...options, resize: 'exact' });
  expect([...exact.data]).toEqual([0, 0, 0, 200, 200, 200]);
  const tall = { data: Uint8Array.of(10, 10, 10, 30, 30, 30), width: 1, height: 2 };
  expect([...fit(tall, { size: [1, 1], resize: 'exact', interpolation: 'box' }).data]).toEqual([20, 20, 20]);
  expect([...fit(tall, { size: [1, 1], crop_pct: 0.5, interpolation: 'box' }).data]).not.toEqual([20, 20, 20]);
});

test('errors name the function that was called', () => {
  const image = { data: null as unknown as Uint8Array, width: 1, height: 1 };
  expect(() => fit(image, { size: [2, 2] })).toThrow(refusal(DataError, 'fit', 'pixels in a Uint8Array', 'Null'));
  expect(() => resize(image, [2, 2])).toThrow(refusal(DataError, 'resize', 'pixels in a Uint8Array', 'Null'));
});

describe('what is no image or no list', () => {
  test.each([undefined, null, 3, 'image', Symbol('image')])('%p', (value) => {
    const image = value as unknown as PixelImage;
    const error = refusal(DataError, '', 'an image with data, width and height', '');
    for (const call of [
      () => resize(image, [4, 4]),
      () => centerCrop(image, [4, 4]),
      () => fit(image, { size: [4, 4] }),
      () => normalize(image, mean, std),
    ]) {
      expect(call).toThrow(error);
    }
    const list = value as unknown as number[];
    expect(() => normalize(noise, list, std)).toThrow(refusal(ParamError, 'normalize', 'lists of means', ''));
    expect(() => normalize(noise, mean, list)).toThrow(refusal(ParamError, 'normalize', 'lists of means', ''));
    for (const call of [() => fitOptions(value as never), () => preprocessOptions(value as never)]) {
      expect(call).toThrow(refusal(ParamError, 'config', 'an object', ''));
    }
  });
});

describe('invalid arguments', () => {
  test('unknown keys, with the nearest one', () => {
    const unknown = { size: [4, 4], cropPct: 1 } as unknown as FitOptions;
    expect(() => fit(noise, unknown)).toThrow(
      refusal(ParamError, 'cropPct', 'one of the keys size, resize', 'an unknown'),
    );
    expect(() => fit(noise, unknown)).toThrow(expect.objectContaining({ hint: 'Did you mean crop_pct?' }));
    const whole = { size: [4, 4], mean, std } as const;
    expect(() => preprocess(noise, { ...whole, means: mean } as typeof whole)).toThrow(
      refusal(ParamError, 'means', '', ''),
    );
    for (const invalid of [undefined, null, 3]) {
      expect(() => fit(noise, invalid as unknown as FitOptions)).toThrow(refusal(ParamError, 'fit', 'an object', ''));
      expect(() => preprocess(noise, invalid as unknown as typeof whole)).toThrow(
        refusal(ParamError, 'preprocess', 'an object', ''),
      );
    }
  });

  const whole = { size: [4, 4], mean, std } as const;
  /** An image of any type, as a caller without types may pass it. */
  const untyped = (image: object): PixelImage => image as PixelImage;
  const functions: readonly [string, (image: PixelImage) => unknown][] = [
    ['resize', (image) => resize(image, [4, 4])],
    ['centerCrop', (image) => centerCrop(image, [4, 4])],
    ['preprocess', (image) => preprocess(image, whole)],
    ['preprocess exactly', (image) => preprocess(image, { ...whole, resize: 'exact' })],
    ['normalize', (image) => normalize(image, mean, std)],
  ];

  describe.each(functions)('of %s', (_, call) => {
    test.each([
      [Float32Array, 'Float32Array'],
      [Int8Array, 'Int8Array'],
      [Uint16Array, 'Uint16Array'],
      [Array<number>, 'Array'],
    ])('pixels in a %p', (Kind, name) => {
      const image = untyped({ data: new Kind(12), width: 2, height: 2 });
      expect(() => call(image)).toThrow(refusal(DataError, '', 'pixels in a Uint8Array or Uint8ClampedArray', name));
    });

    test('no pixels', () => {
      expect(() => call(untyped({ width: 2, height: 2 }))).toThrow(refusal(DataError, '', 'pixels in', 'Undefined'));
    });

    test.each([0, 3, 11, 13, 15, 17, 20, 24])('%i bytes for 2 x 2 pixels', (length) => {
      expect(() => call({ data: new Uint8Array(length), width: 2, height: 2 })).toThrow(
        refusal(ShapeError, '', '12 bytes (RGB) or 16 (RGBA) for 2 x 2 pixels', `${length} bytes`),
      );
    });

    test.each([
      [0, 4],
      [4, 0],
      [-2, -2],
      [1.5, 2],
      [2, NaN],
      [Infinity, 1],
    ])('%d x %d pixels', (width, height) => {
      expect(() => call({ data: new Uint8Array(12), width, height })).toThrow(
        refusal(ShapeError, '', 'width and height integers >= 1', `${width} and ${height}`),
      );
    });
  });

  test('sides that are not numbers', () => {
    const image = untyped({ data: new Uint8Array(12), width: '2', height: '2' });
    expect(() => preprocess(image, whole)).toThrow(refusal(ShapeError, '', 'integers', '"2" and "2"'));
  });

  test.each([
    [0, 4],
    [4, 0],
    [4, 2.5],
    [-4, 4],
    [NaN, 4],
    [4, Infinity],
  ])('a size of %d x %d', (height, width) => {
    const size = [height, width] as const;
    const error = refusal(ParamError, 'size', 'integers >= 1', `[${height},${width}]`);
    expect(() => resize(noise, size)).toThrow(error);
    expect(() => centerCrop(noise, size)).toThrow(error);
    expect(() => preprocess(noise, { ...whole, size })).toThrow(error);
    expect(() => preprocess(noise, { ...whole, size, resize: 'exact' })).toThrow(error);
  });

  test.each([0, -0.5, 1.01, NaN, Infinity])('crop_pct %d', (crop_pct) => {
    expect(() => preprocess(noise, { ...whole, crop_pct })).toThrow(
      refusal(ParamError, 'crop_pct', 'a number in (0, 1]', `${crop_pct}`),
    );
  });

  test('a crop_pct that makes the size infinite', () => {
    expect(() => preprocess(noise, { ...whole, crop_pct: Number.MIN_VALUE })).toThrow(
      refusal(ParamError, 'size', 'integers', 'Infinity'),
    );
  });

  test('unknown names', () => {
    const options = (invalid: object): FitOptions => ({ size: [4, 4], ...invalid });
    expect(() => fit(noise, options({ interpolation: 'lanczos' }))).toThrow(
      refusal(ParamError, 'interpolation', 'bicubic, bilinear, box', 'lanczos'),
    );
    expect(() => fit(noise, options({ interpolation: 'toString' }))).toThrow(ParamError);
    expect(() => resize(noise, [2, 2], 'bicubci' as 'bicubic')).toThrow(
      expect.objectContaining({
        name: 'ParamError',
        op: 'interpolation',
        expected: 'one of bicubic, bilinear, box',
        got: '"bicubci"',
        hint: 'Did you mean bicubic?',
      }),
    );
    expect(() => fit(noise, options({ resize: 'long-side' }))).toThrow(
      refusal(ParamError, 'resize', "'short-side' or 'exact'", 'long-side'),
    );
  });

  test('invalid means and deviations', () => {
    const build = (m: number[], s: number[]) => (): unknown => preprocess(noise, { ...whole, mean: m, std: s });
    expect(build([0], [1, 1, 1])).toThrow(refusal(ParamError, 'normalize', '3 means', '1 and 3'));
    expect(build([0, 0, 0], [1, 1])).toThrow(refusal(ParamError, 'normalize', '3 means', '3 and 2'));
    for (const bad of [0, -1, NaN, Infinity]) {
      expect(build([0, 0, 0], [1, bad, 1])).toThrow(refusal(ParamError, 'normalize', 'deviations > 0', `${bad}`));
    }
    for (const bad of [NaN, Infinity]) {
      expect(build([0, bad, 0], [1, 1, 1])).toThrow(refusal(ParamError, 'normalize', 'finite means', `${bad}`));
    }
  });
});

test.each([[[5]], [[]], [[5, 5, 5]], [[0, 4]], [5], [null], ['5x5']])('resize refuses the size %p', (size) => {
  const image = { data: new Uint8Array(12), width: 2, height: 2 };
  expect(() => resize(image, size as unknown as [number, number], 'bicubic')).toThrow(ParamError);
});
