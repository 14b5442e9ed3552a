/** How `eval` prepares pictures. */
import { describe, expect, test } from '@jest/globals';
import { preparationOf, preparationText } from '../../src/cli/evalProtocol.js';
import { resolveConfig, type ModelConfigInput } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';

const configOf = (keys: ModelConfigInput) => resolveConfig({ variant: 'vanillanet_5', ...keys });
const official = (keys: ModelConfigInput, cropPct?: number) =>
  preparationOf(configOf(keys), { protocol: 'official', ...(cropPct === undefined ? {} : { cropPct }) });

test('that of the weights is what they say, but for --crop-pct', () => {
  const keys = {
    input_size: [160, 224],
    crop_pct: 0.9,
    interpolation: 'bilinear',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  } as const;
  const prepared = preparationOf(configOf(keys), { protocol: 'weights' });
  expect(prepared).toEqual({ ...keys, protocol: 'weights', resize: 'short-side', exifOrientation: true });
  expect(preparationOf(configOf(keys), { protocol: 'weights', cropPct: 0.5 })).toEqual({ ...prepared, crop_pct: 0.5 });
  expect(preparationText(prepared)).toBe('covering 177x248, center 160x224, bilinear');
});

describe('that of the official code', () => {
  test('is bicubic, with the mean and deviation of ImageNet, whatever the weights say', () => {
    const keys = { interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] } as const;
    expect(official(keys)).toEqual({
      ...{ protocol: 'official', input_size: [224, 224], crop_pct: 0.875, resize: 'short-side' },
      ...{ interpolation: 'bicubic', exifOrientation: false },
      ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    });
    expect(preparationText(official(keys))).toBe(
      'short side to 256, center 224x224, bicubic, EXIF orientation ignored',
    );
  });

  test('crops as the checkpoint or --crop-pct says, and 0.875 otherwise', () => {
    expect(official({ crop_pct: 0.95 }).crop_pct).toBe(0.95);
    expect(official({ crop_pct: 0.95 }, 1).crop_pct).toBe(1);
    expect(official({ crop_pct: 1 }).crop_pct).toBe(1);
    // The default of this package for inputs below 64 is 1.
    for (const [side, share] of [
      [33, 0.875],
      [63, 0.875],
      [64, 0.875],
    ]) {
      expect(official({ input_size: side }).crop_pct).toBe(share);
    }
    expect(official({ input_size: 48, crop_pct: 0.9 }).crop_pct).toBe(0.9);
    expect(official({ input_size: 64, crop_pct: 1 }).crop_pct).toBe(1);
  });

  test('warps from 384 pixels on', () => {
    expect(official({ input_size: 383 })).toMatchObject({ resize: 'short-side', crop_pct: 0.875 });
    expect(official({ input_size: 384, crop_pct: 0.9 })).toMatchObject({ resize: 'exact', crop_pct: 1 });
    expect(preparationText(official({ input_size: 384 }))).toBe('warped to 384x384, bicubic, EXIF orientation ignored');
  });

  test.each([
    [{ input_size: 384 }, 0.9, 'no --crop-pct for an input of 384', '0.9'],
    [{ input_size: [224, 225] }, undefined, 'a square input', '224x225'],
    [{ input_size: 32, dims: [4, 8], strides: [1], variant: undefined }, undefined, 'more than 32 pixels', '32'],
    [{ in_chans: 1 }, undefined, 'a network for RGB images', 'in_chans 1'],
  ] as const)('is not that of %j', (keys, cropPct, expected, got) => {
    const { variant: _, ...rest } = { variant: undefined, ...keys };
    const config = 'dims' in keys ? resolveConfig(rest) : configOf(rest);
    const flags = { protocol: 'official' as const, ...(cropPct === undefined ? {} : { cropPct }) };
    expect(() => preparationOf(config, flags)).toThrow(refusal(ParamError, '--protocol official', expected, got));
  });
});
