/** Continues the training of a network on other images. */
import { checkBoolean, checkKeys, checkObject } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { checkDataset } from '../data/sets/classes.js';
import type { Progress, TrainingResult } from './progress.js';
import { resolveRecipe, type Recipe } from './recipe.js';
import type { RunOptions, TrainingData } from './runOptions.js';
import { OPTION_KEYS, train } from './train.js';
import { transferWeights, type TrainedWeights } from './transferWeights.js';

export interface FineTuneOptions extends Omit<RunOptions, 'state'> {
  /** Whether to draw a new head even if the number of classes is the same. Default: only if it differs. */
  readonly newHead?: boolean;
}

const KEYS = [...OPTION_KEYS.filter((key) => key !== 'state'), 'newHead'];

/**
 * Requires that nothing is frozen that was drawn, and that a rate of the head's own is that of a new head.
 *
 * @param redrawn names of the tensors that were drawn
 * @throws ParamError
 */
export function checkNewHead({ freeze, headLr }: Pick<Recipe, 'freeze' | 'headLr'>, redrawn: readonly string[]): void {
  const isNew = redrawn.length > 0;
  if (isNew && freeze.includes('head')) {
    const hint = 'Freeze other parts: random weights that no step changes would stay random.';
    throw new ParamError({ op: 'freeze', expected: 'parts of the trained weights', got: 'head, which is new', hint });
  }
  if (isNew || headLr === null) return;
  const hint = 'Omit headLr, or set newHead to draw a new head.';
  throw new ParamError({ op: 'headLr', expected: 'a new head', got: 'the head of the weights', hint });
}

/**
 * Trains a network that has been trained before on the classes of a data set, as `train`, with these differences:
 *
 * - It starts from `weights`. If the number of classes differs, or with `newHead`, the head is drawn from the seed. Everything
 *   else of the configuration is that of the weights: input size, mean and deviation, crop, dropout.
 * - λ is 1 from the first step, unless the recipe has `decayEpochs` N: then it rises again from 0 in N epochs.
 * - Weights of the deploy form are trained as they are: fused convolutions with a bias, without λ and batch norms. Weights of
 *   the train form are fused before the first step with `fuseAtDecay`.
 * - `freeze` of the recipe names parts that stay as they are, bit for bit; they have no weight decay and no moments.
 * - `headLr` of the recipe is the learning rate of a new head. In step s, with the rate lr(s) of the other parts, it is
 *   headLr/lr · lr(s).
 *
 * With `resume`, the weights of the checkpoint count; `weights` then only say which network the run began with.
 *
 * @param weights of either form, such as those of `readWeights`, `loadModel`'s files, or the result of a training
 * @param recipe values that differ from the defaults
 * @returns as `train`
 * @throws WeightsError for weights of another network than their configuration
 * @throws ParamError, ShapeError, DataError for arguments that do not fit, before anything is computed
 */
export function fineTune(
  data: TrainingData,
  weights: TrainedWeights,
  recipe: Partial<Recipe>,
  options: FineTuneOptions = {},
): AsyncGenerator<Progress, TrainingResult> {
  checkKeys(checkObject('options', options), KEYS, (key) => key);
  checkDataset(checkObject('data', data).train, {}, 'train');
  const { newHead = false, ...runOptions } = options;
  checkBoolean('newHead', newHead);
  const values = { decayEpochs: 0, ...recipe };
  const whole = resolveRecipe(values);
  const { seed, initTruncation } = whole;
  const { state, config, redrawn } = transferWeights(weights, data.train.classNames, { seed, initTruncation, newHead });
  checkNewHead(whole, redrawn);
  return train(data, config, values, runOptions.resume === undefined ? { ...runOptions, state } : runOptions);
}
