import { checkSignal } from '../core/abort.js';
import {
  checkBoolean,
  checkFunction,
  checkKeys,
  checkObject,
  isInteger,
  isRecord,
  show,
  tagOf,
} from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { frozenTensors } from '../core/freeze.js';
import { checkInputSize, checkModelConfig } from '../core/network.js';
import { checkState } from '../core/parameters.js';
import { checkDataset } from '../data/sets/classes.js';
import { remainingFit } from '../data/sets/remainingFit.js';
import type { Checkpoint } from './checkpoint.js';
import type { Progress, TrainingResult } from './progress.js';
import { checkRecipe, fitDecay, resolveRecipe, type Recipe } from './recipe.js';
import { runTraining } from './run.js';
import type { RunOptions, TrainingData } from './runOptions.js';

export const OPTION_KEYS = ['openTrainer', 'workers', 'state', 'resume', 'acceptData', 'onResumePoint', 'signal'];

/** Requires that a run resumes with the configuration and the recipe of its checkpoint, but for more epochs. */
function checkResume(checkpoint: Checkpoint, config: ModelConfig, recipe: Recipe): void {
  const compare = (key: string, before: unknown, now: unknown): void => {
    const [expected, got] = [JSON.stringify(before), JSON.stringify(now)];
    if (expected === got) return;
    throw new ParamError({ op: 'resume', expected: `${key} ${expected}, as in the checkpoint`, got });
  };
  for (const key of Object.keys(config) as (keyof ModelConfig)[]) {
    // These two change during a run.
    if (key !== 'form' && key !== 'lambda') compare(key, checkpoint.config[key], config[key]);
  }
  for (const key of Object.keys(checkpoint.recipe) as (keyof Recipe)[]) {
    if (key !== 'epochs') compare(key, checkpoint.recipe[key], recipe[key]);
  }
  const { epochs } = checkpoint.recipe;
  if (recipe.epochs < epochs) {
    throw new ParamError({
      op: 'resume',
      expected: `epochs ${epochs} or more, as in the checkpoint`,
      got: `${recipe.epochs}`,
      hint: 'A shorter run would have had other learning rates: start a new one.',
    });
  }
}

/** Checks the types of the options. @throws ParamError */
function checkOptionValues({ openTrainer, onResumePoint, acceptData, resume, signal }: RunOptions): void {
  if (openTrainer !== undefined) checkFunction('openTrainer', openTrainer);
  if (onResumePoint !== undefined) checkFunction('onResumePoint', onResumePoint);
  if (acceptData !== undefined) checkBoolean('acceptData', acceptData);
  if (resume !== undefined) checkCheckpoint(resume);
  checkSignal('signal', signal);
}

const isMap = (value: unknown): boolean => tagOf(value) === 'Map';
const isCount = (value: unknown): boolean => isInteger(value, { min: 0 });

/** Requires the parts of a checkpoint; their values are checked where they are used. @throws ParamError */
function checkCheckpoint(resume: unknown): void {
  const { config, recipe, snapshot, ...position } = isRecord(resume) ? resume : {};
  const isComplete =
    isRecord(config) &&
    isRecord(recipe) &&
    isRecord(snapshot) &&
    [snapshot['state'], snapshot['optimizer']].every(isMap) &&
    [snapshot['steps'], position['images'], position['epoch'], position['step'], position['globalStep']].every(isCount);
  if (!isComplete) throw new ParamError({ op: 'resume', expected: 'a checkpoint of a run', got: show(resume) });
}

/** Checks what a training starts from. @throws ParamError, WeightsError */
function checkStart(config: ModelConfig, { state, resume }: RunOptions): void {
  if (state !== undefined && resume !== undefined) {
    const hint = 'Omit one of them: a checkpoint has the weights of its run.';
    throw new ParamError({
      op: 'state',
      expected: 'initial weights or a checkpoint to resume from',
      got: 'both',
      hint,
    });
  }
  if (state !== undefined) checkState(state, config);
  else if (config.form !== 'train' && resume?.config.form !== config.form) {
    const hint = 'Pass weights of this form as `state`, or see fineTune.';
    throw new ParamError({ op: 'train', expected: 'the train form', got: `the ${config.form} form`, hint });
  }
}

/** Checks what a recipe says of the parts of the network. @throws ParamError */
function checkParts({ freeze, decayEpochs, fuseAtDecay }: Recipe, config: ModelConfig, hasState: boolean): void {
  // A run that has fused its network on the way may resume with `bn`.
  if (config.form === 'train' || hasState) frozenTensors(freeze, config);
  if (config.form === 'train' || !hasState) return;
  const got = 'the deploy form, which is fused';
  if (fuseAtDecay)
    throw new ParamError({ op: 'fuseAtDecay', expected: 'the train form', got, hint: 'Omit fuseAtDecay.' });
  if (decayEpochs === 0) return;
  const hint = 'Omit decayEpochs, or start from weights of the train form.';
  throw new ParamError({ op: 'decayEpochs', expected: '0, or the train form, which has λ', got, hint });
}

/** Completes a recipe. λ's rise, if it is not chosen, is that of the checkpoint, or fits the run. */
function completeRecipe(
  values: Partial<Recipe>,
  { images, form }: { readonly images: number; readonly form: ModelConfig['form'] },
  resume: Checkpoint | undefined,
): Recipe {
  const recipe = resolveRecipe(values);
  if ('decayEpochs' in values) return recipe;
  // The deploy form has no λ.
  if (resume === undefined && form === 'deploy') return { ...recipe, decayEpochs: 0 };
  return resume === undefined ? fitDecay(recipe, images) : { ...recipe, decayEpochs: resume.recipe.decayEpochs };
}

/**
 * Trains a network. λ and the learning rate follow the recipe. All random numbers (initial weights, shuffles,
 * augmentation, dropout) come from its seed: on the plain build, the same seed yields the same weights bit for bit.
 *
 * A run can be resumed with more epochs than its checkpoint was to have. The epochs of warm-up and of λ's rise stay, and
 * the learning rate continues on the cosine of the longer run: rates, images and random numbers from there on are those of
 * a run that had these epochs from the beginning, the weights at that point are not.
 *
 * @param config the train form, or with `state` that of the weights. Held-out images are scaled and cropped as it says; a set that was opened with other
 *   options is refused
 * @param recipe values that differ from the defaults, see `Recipe`
 * @returns a generator that yields after every step and every epoch; its return value has the final weights
 * @throws ParamError, ShapeError, DataError for arguments that do not fit, before anything is computed
 * @throws the reason of `signal` (from the generator) after the step in which it is aborted; every finished step is
 *   yielded before
 * @throws TrainingError (from the generator) for a loss or weight that is not finite; such weights are never handed out
 */
export function train(
  data: TrainingData,
  config: ModelConfig,
  recipe: Partial<Recipe>,
  options: RunOptions = {},
): AsyncGenerator<Progress, TrainingResult> {
  checkModelConfig(config);
  checkKeys(checkObject('data', data), ['train', 'validation'], (key) => `data.${key}`);
  checkKeys(checkObject('options', options), OPTION_KEYS, (key) => key);
  checkOptionValues(options);
  const { resume, state, acceptData = false } = options;
  checkStart(config, options);
  checkDataset(data.train, config, 'train');
  if (data.validation !== null) {
    checkDataset(data.validation, config, 'validation');
    remainingFit(data.validation, config, 'validation');
  }
  const { n } = data.train;
  const wholeRecipe = completeRecipe(recipe, { images: n, form: config.form }, resume);
  checkRecipe(wholeRecipe, n);
  checkInputSize(config);
  checkParts(wholeRecipe, config, state !== undefined);
  if (resume !== undefined) {
    checkResume(resume, config, wholeRecipe);
    if (resume.images !== n && !acceptData) {
      throw new ParamError({
        op: 'resume',
        expected: `${resume.images} images to train on, as in the checkpoint`,
        got: `${n}`,
      });
    }
  }
  return runTraining(data, config, wholeRecipe, options);
}
