import { expect, test } from '@jest/globals';
import { ParamError } from '../../../src/core/errors.js';
import { checkAugment, type AugmentOptions } from '../../../src/data/augment/options.js';

test('accepts values in range', () => {
  checkAugment({});
  checkAugment({
    randomResizedCrop: { scale: [0.6, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' },
    colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.5 },
    horizontalFlip: 0.5,
    rotation: 20,
    randAugment: { magnitude: 9, layers: 2, std: 0.5, prob: 0.5, interpolation: 'random' },
    randomErasing: { prob: 0.25, mode: 'pixel', count: 1, area: [0.02, 1 / 3], aspect: [0.3, 3.3] },
  });
});

test.each([
  [null, 'augment'],
  [{ flip: 1 }, 'augment.flip'],
  [{ toString: 1 }, 'augment.toString'],
  [{ horizontalFlip: 1.5 }, 'augment.horizontalFlip'],
  [{ horizontalFlip: NaN }, 'augment.horizontalFlip'],
  [{ horizontalFlip: true }, 'augment.horizontalFlip'],
  [{ rotation: -1 }, 'augment.rotation'],
  [{ randomCrop: {} }, 'augment.randomCrop.padding'],
  [{ randomCrop: { padding: 1.5 } }, 'augment.randomCrop.padding'],
  [{ randomCrop: { padding: 1, fill: 'edge' } }, 'augment.randomCrop.fill'],
  [{ randomCrop: { padding: 1 }, randomResizedCrop: {} }, 'augment.randomCrop'],
  [{ randomCrop: { padding: 16, fill: 'reflect' } }, 'augment.randomCrop.padding'],
  [{ randomResizedCrop: { scale: [0, 1] } }, 'augment.randomResizedCrop.scale'],
  [{ randomResizedCrop: { scale: [0.5, 1.1] } }, 'augment.randomResizedCrop.scale'],
  [{ randomResizedCrop: { ratio: [2, 1] } }, 'augment.randomResizedCrop.ratio'],
  [{ randomResizedCrop: { ratio: [1, Infinity] } }, 'augment.randomResizedCrop.ratio'],
  [{ randomResizedCrop: { interpolation: 'nearest' } }, 'augment.randomResizedCrop.interpolation'],
  [{ colorJitter: { hue: 0.6 } }, 'augment.colorJitter.hue'],
  [{ colorJitter: { brightness: Infinity } }, 'augment.colorJitter.brightness'],
  [{ randAugment: { magnitude: 11 } }, 'augment.randAugment.magnitude'],
  [{ randAugment: { layers: 0 } }, 'augment.randAugment.layers'],
  [{ randomErasing: {} }, 'augment.randomErasing.prob'],
  [{ randomErasing: { prob: 1, mode: 'noise' } }, 'augment.randomErasing.mode'],
])('refuses %j', (options, op) => {
  const images = { channels: 3, size: [16, 20] } as const;
  const check = (): void => {
    checkAugment(options as unknown as AugmentOptions, images);
  };
  expect(check).toThrow(ParamError);
  expect(check).toThrow(expect.objectContaining({ op }));
});

test.each<[string, object, string | undefined]>([
  ['flip', { flip: 2 }, 'Did you mean horizontalFlip?'],
  ['randomCorp', { randomCorp: {} }, 'Did you mean randomCrop?'],
  ['jitter', { jitter: {} }, 'Did you mean colorJitter?'],
  ['Erasing', { Erasing: {} }, 'Did you mean randomErasing?'],
  ['ip', { ip: 1 }, undefined],
  ['mosaic', { mosaic: 1 }, undefined],
  ['randAugment.magnitud', { randAugment: { magnitud: 3 } }, 'Did you mean magnitude?'],
  ['colorJitter.bright', { colorJitter: { bright: 3 } }, 'Did you mean brightness?'],
])('an unknown key, %s, is named with the nearest', (key, options, hint) => {
  const keys = key.startsWith('randAugment.')
    ? 'magnitude, layers, std, prob, interpolation'
    : key.startsWith('colorJitter.')
      ? 'brightness, contrast, saturation, hue'
      : 'randomCrop, randomResizedCrop, colorJitter, horizontalFlip, rotation, randAugment, randomErasing';
  let error: unknown = null;
  try {
    checkAugment(options);
  } catch (thrown) {
    error = thrown;
  }
  const message = `augment.${key}: expected one of the keys ${keys}, got an unknown key`;
  expect(error).toMatchObject({ name: 'ParamError', message });
  expect((error as ParamError).hint).toBe(hint);
});

test.each<[AugmentOptions, string]>([
  [{ randomCrop: { padding: 4097 } }, 'augment.randomCrop.padding: expected an integer in [0, 4096], got 4097'],
  [{ randAugment: { layers: 101 } }, 'augment.randAugment.layers: expected an integer in [1, 100], got 101'],
  [
    { randomErasing: { prob: 1, count: 1001 } },
    'augment.randomErasing.count: expected an integer in [1, 1000], got 1001',
  ],
  [{ rotation: 181 }, 'augment.rotation: expected a number in [0, 180], got 181'],
  [{ horizontalFlip: -0.1 }, 'augment.horizontalFlip: expected a probability in [0, 1], got -0.1'],
  [{ colorJitter: { hue: -0.1 } }, 'augment.colorJitter.hue: expected a number in [0, 0.5], got -0.1'],
  [{ colorJitter: { contrast: -1 } }, 'augment.colorJitter.contrast: expected a number >= 0, got -1'],
  [
    { randomResizedCrop: { scale: [1, 0.5] } },
    'augment.randomResizedCrop.scale: expected two numbers, 0 < low <= high <= 1, got [1, 0.5]',
  ],
  [
    { randomResizedCrop: { ratio: [0, 1] } },
    'augment.randomResizedCrop.ratio: expected two numbers, 0 < low <= high, got [0, 1]',
  ],
])('%j is refused with its range', (options, message) => {
  expect(() => {
    checkAugment(options);
  }).toThrow(expect.objectContaining({ message }));
});

test('the ends of ranges are accepted', () => {
  checkAugment({ randomCrop: { padding: 4096 }, rotation: 180, horizontalFlip: 1, colorJitter: { hue: 0 } });
  checkAugment({ randomCrop: { padding: 0, fill: 0 }, rotation: 0, horizontalFlip: 0, colorJitter: { contrast: 0 } });
  checkAugment({
    randAugment: { layers: 100, magnitude: 10, prob: 0, std: 0 },
    randomErasing: { prob: 0, count: 1000 },
  });
  checkAugment({ randAugment: { layers: 1, magnitude: 0, prob: 1 }, randomErasing: { prob: 1, count: 1 } });
  checkAugment({ randomResizedCrop: { scale: [1, 1], ratio: [7, 7], interpolation: 'bilinear' } });
  checkAugment({ randomCrop: { padding: 7, fill: 'reflect' } }, { channels: 1, size: [8, 9] });
  expect(() => {
    checkAugment({ randomCrop: { padding: 8, fill: 'reflect' } }, { channels: 1, size: [9, 8] });
  }).toThrow(
    expect.objectContaining({
      message: 'augment.randomCrop.padding: expected less than 8, the side, to reflect, got 8',
      hint: 'Or pass fill: 0.',
    }),
  );
});

test('hints of transforms that exclude each other or the images', () => {
  expect(() => {
    checkAugment({ randomCrop: { padding: 1 }, randomResizedCrop: {} });
  }).toThrow(expect.objectContaining({ got: 'randomResizedCrop too', hint: 'Remove one of them.' }));
  expect(() => {
    checkAugment({ randAugment: {} }, { channels: 1, size: [8, 8] });
  }).toThrow(expect.objectContaining({ op: 'augment.randAugment', hint: 'Remove this transform.' }));
});

test('color transforms require three channels', () => {
  const gray = { channels: 1, size: [8, 8] } as const;
  checkAugment({ randomCrop: { padding: 2 }, horizontalFlip: 0.5, rotation: 3, randomErasing: { prob: 1 } }, gray);
  expect(() => {
    checkAugment({ colorJitter: { hue: 0.1 } }, gray);
  }).toThrow('augment.colorJitter: expected images of 3 channels, got 1');
});

test.each<[unknown, string]>([
  [null, 'augment: expected an object, got null'],
  [7, 'augment: expected an object, got 7'],
  [[], 'augment: expected an object, got []'],
  [{ colorJitter: [] }, 'augment.colorJitter: expected an object, got []'],
  [{ colorJitter: 0.4 }, 'augment.colorJitter: expected an object, got 0.4'],
  [{ randomCrop: {} }, 'augment.randomCrop.padding: expected a value, got none'],
  [{ randomCrop: { padding: undefined } }, 'augment.randomCrop.padding: expected a value, got none'],
  [{ randomCrop: { padding: 1, fill: 1 } }, 'augment.randomCrop.fill: expected 0, reflect, got 1'],
  [{ randomErasing: { mode: 'rand' } }, 'augment.randomErasing.prob: expected a value, got none'],
  [{ randomErasing: { prob: 1, mode: 'x' } }, 'augment.randomErasing.mode: expected const, rand, pixel, got x'],
  [
    { randomErasing: { prob: 1, area: [0.1] } },
    'augment.randomErasing.area: expected two numbers, 0 < low <= high <= 1, got [0.1]',
  ],
  [
    { randomErasing: { prob: 1, area: [0.1, 0.2, 0.3] } },
    'augment.randomErasing.area: expected two numbers, 0 < low <= high <= 1, got [0.1, 0.2, 0.3]',
  ],
  [
    { randomErasing: { prob: 1, area: ['0.1', 0.2] } },
    'augment.randomErasing.area: expected two numbers, 0 < low <= high <= 1, got ["0.1", 0.2]',
  ],
  [
    { randomErasing: { prob: 1, area: [0.1, '0.2'] } },
    'augment.randomErasing.area: expected two numbers, 0 < low <= high <= 1, got [0.1, "0.2"]',
  ],
  [
    { randomErasing: { prob: 1, aspect: '12' } },
    'augment.randomErasing.aspect: expected two numbers, 0 < low <= high, got 12',
  ],
  [
    { randomCrop: { padding: 1 }, randomResizedCrop: {} },
    'augment.randomCrop: expected one kind of crop, got randomResizedCrop too',
  ],
])('%j is refused as such', (options, message) => {
  expect(() => {
    checkAugment(options as AugmentOptions);
  }).toThrow(expect.objectContaining({ name: 'ParamError', message }));
});

test('keys without a value are absent, and all modes of random erasing are known', () => {
  const absent: object = { colorJitter: undefined, unknown: undefined };
  checkAugment(absent);
  for (const mode of ['const', 'rand', 'pixel'] as const) checkAugment({ randomErasing: { prob: 1, mode } });
});
