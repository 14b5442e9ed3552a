import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type GivenConfig } from '../../src/core/config.js';
import { ShapeError } from '../../src/core/errors.js';
import { convSize, mapSizes, poolOf, poolSize, stemOf, type Pool, type Size } from '../../src/core/shapes.js';
import { refusal } from '../io/refusal.js';

const square = (...sides: number[]): Size[] => sides.map((side) => [side, side]);

const FIVE = { variant: 'vanillanet_5' };
const ADA = { variant: 'vanillanet_13_x1_5_ada_pool' };
/** A stem and two stages, of which only the second pools adaptively. */
const SMALL_ADA = { dims: [4, 4, 4], strides: [2, 2], ada_pool: [0, 5] };

test.each([
  [224, 4, 4, 0, 56],
  [224, 4, 3, 1, 75],
  [31, 4, 4, 0, 7],
  [4, 4, 4, 0, 1],
  [3, 4, 4, 0, 0],
  [5, 3, 1, 1, 5],
])('a window over %d with kernel %d, stride %d and padding %d leaves %d', (size, kernel, stride, padding, left) => {
  expect(convSize(size, kernel, stride, padding)).toBe(left);
});

test.each([
  [FIVE, { stride: 4, padding: 0 }],
  [ADA, { stride: 3, padding: 1 }],
  [
    { ...ADA, article_stem: true },
    { stride: 4, padding: 0 },
  ],
  [
    { ...FIVE, article_stem: true },
    { stride: 4, padding: 0 },
  ],
  // Zeros pool by their strides, but the network is adaptive all the same.
  [
    { ...FIVE, ada_pool: [0, 0, 0] },
    { stride: 3, padding: 1 },
  ],
])('the stem of %j', (given, stem) => {
  expect(stemOf(resolveConfig(given))).toEqual(stem);
});

test.each<[number, number, Pool, Size]>([
  [1, 0, { kind: 'none' }, [9, 7]],
  [1, 5, { kind: 'none' }, [9, 7]],
  [2, 0, { kind: 'max', stride: 2 }, [4, 3]],
  [3, 0, { kind: 'max', stride: 3 }, [3, 2]],
  [2, 5, { kind: 'adaptive', size: 5 }, [5, 5]],
  [2, 12, { kind: 'adaptive', size: 12 }, [12, 12]],
])('a stage of stride %d and ada %d', (stride, ada, pool, size) => {
  const stage = poolOf(resolveConfig({ dims: [4, 4], strides: [stride], ada_pool: [ada] }), 0);
  expect(stage).toEqual(pool);
  expect(poolSize([9, 7], stage)).toEqual(size);
});

describe('the maps', () => {
  const cases: [GivenConfig, Size, Size[]][] = [
    [FIVE, [224, 224], square(56, 28, 14, 7)],
    [FIVE, [32, 32], square(8, 4, 2, 1)],
    [FIVE, [35, 35], square(8, 4, 2, 1)],
    // prettier-ignore
    [FIVE, [64, 47], [[16, 11], [8, 5], [4, 2], [2, 1]]],
    [{ variant: 'vanillanet_7' }, [224, 224], square(56, 56, 28, 14, 7, 7)],
    [ADA, [224, 224], square(75, 75, 38, 19, 19, 19, 19, 19, 19, 19, 10, 10)],
    [{ ...ADA, article_stem: true }, [224, 224], square(56, 56, 38, 19, 19, 19, 19, 19, 19, 19, 10, 10)],
    // prettier-ignore
    [SMALL_ADA, [29, 34], [[10, 11], [5, 5], [5, 5]]],
    [SMALL_ADA, [5, 5], square(2, 1, 5)],
  ];
  test.each(cases)('of %j at %j', (given, size, sizes) => {
    expect(mapSizes(resolveConfig(given), size)).toEqual(sizes);
  });
});

describe('too small an input', () => {
  const cases: [GivenConfig, Size, string, string][] = [
    [FIVE, [31, 31], 'stages.2', '31x31, which leaves 0x0'],
    [FIVE, [224, 31], 'stages.2', '224x31, which leaves 7x0'],
    [FIVE, [15, 64], 'stages.1', '15x64, which leaves 0x4'],
    [FIVE, [3, 3], 'stem', '3x3, which leaves 0x0'],
    [FIVE, [1, 64], 'stem', '1x64, which leaves 0x16'],
    [SMALL_ADA, [4, 5], 'stages.0', '4x5, which leaves 0x1'],
    [{ ...SMALL_ADA, article_stem: true }, [5, 5], 'stages.0', '5x5, which leaves 0x0'],
  ];
  test.each(cases)('%j at %j', (given, size, op, got) => {
    const config = resolveConfig(given);
    const message = 'an input large enough for a map of at least 1x1';
    expect(() => mapSizes(config, size)).toThrow(refusal(ShapeError, op, message, got));
  });
});
