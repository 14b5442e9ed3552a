import type { OptimizerStep } from '../core/optimizer.js';
import type { Recipe } from './recipe.js';

/** The optimizer's settings for one step at the given learning rate. */
export const optimizerStep = (lr: number, recipe: Recipe) => {
  const { optimizer, weightDecay, decayVectors, layerDecay, momentum, nesterov, betas, eps } = recipe;
  const moments = optimizer === 'sgd' ? { momentum, nesterov } : { betas, eps };
  return { kind: optimizer, lr, weightDecay, decayVectors, layerDecay, ...moments } satisfies OptimizerStep;
};
