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

test('color transforms require three channels', () => {
  const gray = { channels: 1, size: [8, 8] } as const;
  checkAugment({ randomCrop: { padding: 2 }, horizontalFlip: 0.5, rotation: 3, randomErasing: { prob: 1 } }, gray);
  expect(() => {
    checkAugment({ colorJitter: { hue: 0.1 } }, gray);
  }).toThrow('augment.colorJitter: expected images of 3 channels, got 1');
});
