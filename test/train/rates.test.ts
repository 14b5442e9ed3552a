import { expect, test } from '@jest/globals';
import { DEFAULT_RECIPE } from '../../src/train/recipe.js';
import { lastRates, nextRates } from '../../src/train/rates.js';

const recipe = { ...DEFAULT_RECIPE, epochs: 4, decayEpochs: 2, lr: 0.8 };
const STEPS = 4;

test('the next step: λ by the position in the epoch, the rate by all steps', () => {
  expect(nextRates({ epoch: 0, step: 0, globalStep: 0 }, STEPS, recipe)).toEqual({ lambda: 0, lr: 0.8 });
  // 1 epoch and 3 of 4 steps, of 2 epochs; half of 16 steps.
  expect(nextRates({ epoch: 1, step: 3, globalStep: 8 }, STEPS, recipe)).toEqual({
    lambda: 1.75 / 2,
    lr: expect.closeTo(0.4, 15),
  });
});

test('the last step is the one before the next', () => {
  const after = { epoch: 1, step: 3, globalStep: 7 };
  expect(lastRates(after, STEPS, recipe)).toEqual(nextRates({ epoch: 1, step: 2, globalStep: 6 }, STEPS, recipe));
  const first = { epoch: 0, step: 0, globalStep: 0 };
  expect(lastRates(first, STEPS, recipe)).toEqual(nextRates(first, STEPS, recipe));
});
