import type { OptimizerStep } from '../core/optimizer.js';
import type { Recipe } from './recipe.js';

/** The optimizer's settings for one step at the given learning rate. */
export const optimizerStep = (lr: number, recipe: Recipe) => {
  const { optimizer, weightDecay, decayVectors, layerDecay, momentum, nesterov, betas, eps } = recipe;
  const headLr = recipe.headLr === null ? lr : (lr * recipe.headLr) / recipe.lr;
  const moments = optimizer === 'sgd' ? { momentum, nesterov } : { betas, eps };
  return { kind: optimizer, lr, headLr, weightDecay, decayVectors, layerDecay, ...moments } satisfies OptimizerStep;
};
