import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { checkInputSize } from '../core/network.js';
import { checkSet } from '../data/sets/classes.js';
import type { Checkpoint } from './checkpoint.js';
import type { Progress, Trained } from './progress.js';
import { checkRecipe, resolveRecipe, type Recipe } from './recipe.js';
import { Run } from './run.js';
import type { RunOptions, TrainingData } from './runOptions.js';

function refuse(op: string, expected: string, got: unknown): never {
  throw new ParamError({ op, expected, got: String(got) });
}

/** What a checkpoint must agree in with the run that goes on from it. */
function checkResume({ config, recipe }: Checkpoint, now: ModelConfig, with_: Recipe): void {
  for (const key of Object.keys(now) as (keyof ModelConfig)[]) {
    // What changes on the way.
    if (key === 'form' || key === 'lambda') continue;
    const [before, after] = [JSON.stringify(config[key]), JSON.stringify(now[key])];
    if (before !== after) refuse('resume', `${key} ${before}, as in the checkpoint`, after);
  }
  for (const key of Object.keys(recipe) as (keyof Recipe)[]) {
    const [before, after] = [JSON.stringify(recipe[key]), JSON.stringify(with_[key])];
    if (before !== after) refuse('resume', `${key} ${before}, as in the checkpoint`, after);
  }
}

/**
 * Trains a network. λ and the learning rate move as the recipe says; everything drawn
 * (weights, shuffles, augmentation, dropout) comes from the seed, so that on the plain
 * build the same seed makes the same weights.
 *
 * @throws ParamError, ShapeError before anything is computed; TrainingError where a loss or a weight is no number,
 * before anybody is given the weights
 */
export function train(
  data: TrainingData,
  config: ModelConfig,
  given: Partial<Recipe>,
  options: RunOptions = {},
): AsyncGenerator<Progress, Trained> {
  if (config.form !== 'train') refuse('train', 'the train form', `the ${config.form} form`);
  checkSet(data.train, config, 'train');
  if (data.validation !== null) checkSet(data.validation, config, 'validation');
  const recipe = resolveRecipe(given);
  checkRecipe(recipe, data.train.n);
  checkInputSize(config);
  const { resume, acceptData = false } = options;
  if (resume !== undefined) {
    checkResume(resume, config, recipe);
    const { n } = data.train;
    if (resume.images !== n && !acceptData) {
      refuse('resume', `${resume.images} images to train on, as in the checkpoint`, n);
    }
  }
  return new Run(data, config, recipe, options).steps();
}
