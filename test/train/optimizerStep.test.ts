import { expect, test } from '@jest/globals';
import { optimizerStep } from '../../src/train/optimizerStep.js';
import { resolveRecipe } from '../../src/train/recipe.js';

const COMMON = { weightDecay: 0.1, decayVectors: false, layerDecay: 0.8 };

test('SGD has a momentum, the others have moments', () => {
  const sgd = resolveRecipe({ ...COMMON, optimizer: 'sgd', momentum: 0.8, nesterov: true });
  expect(optimizerStep(0.01, sgd)).toEqual({
    ...{ ...COMMON, kind: 'sgd', lr: 0.01, headLr: 0.01, momentum: 0.8, nesterov: true },
  });
  const adamw = resolveRecipe({ ...COMMON, optimizer: 'adamw', betas: [0.8, 0.9], eps: 1e-6 });
  expect(optimizerStep(0.01, adamw)).toEqual({
    ...{ ...COMMON, kind: 'adamw', lr: 0.01, headLr: 0.01, betas: [0.8, 0.9], eps: 1e-6 },
  });
});

test('the head’s own rate follows the same curve', () => {
  const recipe = resolveRecipe({ lr: 0.02, headLr: 0.5 });
  expect(optimizerStep(0.01, recipe).headLr).toBe(0.25);
  expect(optimizerStep(0.02, recipe).headLr).toBe(0.5);
});
