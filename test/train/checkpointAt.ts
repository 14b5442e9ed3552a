import { resolveConfig } from '../../src/core/config.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { initialState } from '../../src/train/initialState.js';
import { DEFAULT_RECIPE } from '../../src/train/recipe.js';
import { EMPTY_TALLY } from '../../src/train/scores.js';

/** A checkpoint of a small network. */
export function checkpointAt(globalStep: number): Checkpoint {
  const config = resolveConfig({ dims: [3, 4], strides: [2], act_num: 1, num_classes: 2, input_size: 8 });
  const snapshot = { state: initialState(config, 0), optimizer: new Map(), steps: globalStep };
  return {
    ...{ config, recipe: DEFAULT_RECIPE, images: 1, epoch: 0, step: globalStep, globalStep, tally: EMPTY_TALLY },
    ...{ best: null, bestFusable: null, snapshot },
  };
}
