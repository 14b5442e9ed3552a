import { expect, test } from '@jest/globals';
import { PRESETS } from '../../src/train/presets.js';
import { DEFAULT_RECIPE, type Recipe } from '../../src/train/recipe.js';
import { learningRateAt } from '../../src/train/schedule.js';

const rates = (recipe: Recipe, perEpoch: number, count: number): number[] =>
  Array.from({ length: count }, (_, step) => learningRateAt(step, perEpoch, recipe));

test('a warm-up of four steps: by default each adds a quarter of lr, and the last has lr', () => {
  const recipe = { ...DEFAULT_RECIPE, lr: 0.8, epochs: 4, warmupEpochs: 2 };
  expect(rates(recipe, 2, 4)).toEqual([0.2, 0.4, expect.closeTo(0.6, 15), 0.8]);
  // The cosine starts with the next step, at lr again.
  expect(learningRateAt(4, 2, recipe)).toBe(0.8);
});

test("the official warm-up is np.linspace's: from 0 to lr with both ends", () => {
  const { recipe } = PRESETS.official;
  const perEpoch = 5;
  // np.linspace(0, 3.5e-3, 25), then the cosine.
  rates(recipe, perEpoch, 25).forEach((rate, i) => {
    expect(rate).toBeCloseTo((3.5e-3 * i) / 24, 17);
  });
  expect([0, 24, 25].map((step) => learningRateAt(step, perEpoch, recipe))).toEqual([0, 3.5e-3, 3.5e-3]);
  const [i, length] = [100, 295 * perEpoch];
  const cosine = 1e-6 + 0.5 * (3.5e-3 - 1e-6) * (1 + Math.cos((Math.PI * i) / length));
  expect(learningRateAt(25 + i, perEpoch, recipe)).toBeCloseTo(cosine, 17);
});

test('a warm-up starts at warmupLr; a single step has warmupLr', () => {
  const recipe = { ...DEFAULT_RECIPE, lr: 0.8, warmupEpochs: 1, warmupLr: 0.2 };
  expect(rates(recipe, 3, 3)).toEqual([expect.closeTo(0.2, 15), 0.5, 0.8]);
  expect(rates(recipe, 1, 1)).toEqual([expect.closeTo(0.2, 15)]);
});

test('steps after the end, of a run resumed with fewer images, have the last rate', () => {
  const recipe = { ...DEFAULT_RECIPE, epochs: 2, lr: 0.8, minLr: 0.1 };
  expect(rates(recipe, 3, 8).slice(6)).toEqual([expect.closeTo(0.1, 15), expect.closeTo(0.1, 15)]);
});
