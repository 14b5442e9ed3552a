import { describe, expect, test } from '@jest/globals';
import { VARIANTS } from '../../reference/index.js';
import { VARIANTS as CORE_VARIANTS } from '../../src/core/config.js';
import { goldenNames } from '../judges/golden.js';
import { testVariant } from './variantGolden.js';

test('the variants of reference/ and src/core are the same', () => {
  expect(Object.keys(VARIANTS)).toEqual(Object.keys(CORE_VARIANTS));
  expect(VARIANTS).toEqual(CORE_VARIANTS);
});

test('every variant has a golden', () => {
  expect(goldenNames('variants')).toEqual(Object.keys(VARIANTS).sort());
});

// The smallest, and the deepest, which has adaptive pools. All are in variants.long.test.ts.
describe.each(['vanillanet_5', 'vanillanet_13_x1_5_ada_pool'])('%s', testVariant);
