/** The values that determine how a network is trained, and their ranges. */
import { MAX_EPOCHS } from '../data/augment/draws.js';
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkNumber,
  checkObject,
  checkOneOf,
  show,
  type Range,
} from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { checkFreeze } from '../core/freeze.js';
import type { Loss, OptimizerKind } from '../core/optimizer.js';
import { RUNNING_VARS, type RunningVar } from '../core/trainingRules.js';
import { checkAugment, type AugmentOptions } from '../data/augment/options.js';
import { ALPHA } from '../data/loader/loaderOptions.js';
import { TRUNCATIONS, type Truncation } from './initialState.js';

export interface Recipe {
  /** Passes over the training images, an integer >= 1. Default 3. */
  readonly epochs: number;
  /** Images in a step, from 2 to the size of the set. An incomplete last batch is left out. Default 32. */
  readonly batchSize: number;
  /**
   * Micro-batches that a batch is divided into, to save memory; a divisor of `batchSize` that leaves at least 2 images
   * in each. Gradients are averaged over them, but batch norms use the statistics of each. Default 1.
   */
  readonly gradAccumSteps: number;
  /** 'adam', 'adamw', 'sgd' or 'lamb'. Default 'adam'. */
  readonly optimizer: OptimizerKind;
  /** Learning rate after the warm-up, > 0; it falls to `minLr` along a cosine, step by step. Default 3e-3. */
  readonly lr: number;
  /** Learning rate at the end, from 0 to `lr`. Default 0. */
  readonly minLr: number;
  /** Epochs over which the learning rate rises linearly to `lr`, from 0 to less than `epochs`. Default 0. */
  readonly warmupEpochs: number;
  /**
   * Learning rate of the first step, from 0 to `lr`, as `np.linspace` in the official code (there 0) and timm have it.
   * Null: `lr` divided by the number of warm-up steps, so that a step at 0 is avoided. Default null.
   */
  readonly warmupLr: number | null;
  /** Weight decay, >= 0: coupled (L2) for adam and sgd, decoupled for adamw and lamb. Default 1e-5. */
  readonly weightDecay: number;
  /** Whether weight decay applies to biases and normalizations, too. Default true. */
  readonly decayVectors: boolean;
  /** Momentum of sgd, in [0, 1). Default 0.9. */
  readonly momentum: number;
  /** Whether sgd uses Nesterov momentum, which needs a momentum > 0. Default false. */
  readonly nesterov: boolean;
  /** Decay of the first and second moment of adam, adamw and lamb, each in [0, 1). Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Added to the square root of the second moment, >= 0. Default 1e-8. */
  readonly eps: number;
  /** Factor of the learning rate from each layer to the one below it, in (0, 1]; 1 for none. Default 1. */
  readonly layerDecay: number;
  /**
   * Learning rate of the head after the warm-up, > 0; it follows the same curve: in every step it is headLr/lr times that of
   * the other parts. Layer decay does not apply to the head. Null: `lr`. Default null.
   */
  readonly headLr: number | null;
  /**
   * Parts that stay as they are, bit for bit: 'backbone' (all but the head), 'stem', 'stages', 'stages.0', …, 'head', with
   * the running statistics of their batch norms, which normalize by these as in evaluation; 'bn', the running statistics of
   * stem and stages alone. Default [].
   */
  readonly freeze: readonly string[];
  /** Epochs over which λ rises from 0 to 1, >= 0, so few that the last step has λ = 1. Default 2, or fewer in a shorter run. */
  readonly decayEpochs: number;
  /** The curve of λ: 'linear' or 'cosine'. Default 'linear'. */
  readonly lambdaSchedule: 'linear' | 'cosine';
  /** Whether λ changes with every step or every epoch. Default 'step'. */
  readonly lambdaPer: 'step' | 'epoch';
  /** Whether the network is fused when λ reaches 1; training then continues with the deploy form. Default false. */
  readonly fuseAtDecay: boolean;
  /** 'cross-entropy', or 'bce': binary cross-entropy of each class. Default 'cross-entropy'. */
  readonly loss: Loss;
  /** Label smoothing, in [0, 1). Default 0.1. */
  readonly smoothing: number;
  /** α of mixup, in [1e-6, 1e6]; 0 for no mixup. Default 0. */
  readonly mixup: number;
  /** α of CutMix, in [1e-6, 1e6]; 0 for no CutMix. Default 0. */
  readonly cutmix: number;
  /** Probability that a batch is mixed, in [0, 1]. Default 1. */
  readonly mixupProb: number;
  /** Probability that a mixed batch uses CutMix if both are on, in [0, 1]. Default 0.5. */
  readonly mixupSwitchProb: number;
  /** Decay of the averaged weights (exponential moving average), in [0, 1); 0 for no average. Default 0. */
  readonly ema: number;
  /**
   * The variance that updates the running statistics of batch norms: 'unbiased', as in PyTorch, or 'biased', as in
   * Paddle. Default 'unbiased'.
   */
  readonly runningVar: RunningVar;
  /**
   * Bounds of the normal distribution of initial kernels: 'absolute', ±2 as in the official code, or 'two-sigma', ±0.04
   * as in Paddle before version 2.6. Default 'absolute'.
   */
  readonly initTruncation: Truncation;
  /** Random transforms of the training images. Default none. */
  readonly augment: AugmentOptions;
  /** Seed of all random numbers, an integer in [0, 2^32). Default 0. */
  readonly seed: number;
}

/** The defaults. */
export const DEFAULT_RECIPE: Recipe = {
  epochs: 3,
  batchSize: 32,
  gradAccumSteps: 1,
  optimizer: 'adam',
  lr: 3e-3,
  minLr: 0,
  warmupEpochs: 0,
  warmupLr: null,
  weightDecay: 1e-5,
  decayVectors: true,
  momentum: 0.9,
  nesterov: false,
  betas: [0.9, 0.999],
  eps: 1e-8,
  layerDecay: 1,
  headLr: null,
  freeze: [],
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  lambdaPer: 'step',
  fuseAtDecay: false,
  loss: 'cross-entropy',
  smoothing: 0.1,
  mixup: 0,
  cutmix: 0,
  mixupProb: 1,
  mixupSwitchProb: 0.5,
  ema: 0,
  runningVar: 'unbiased',
  initTruncation: 'absolute',
  augment: {},
  seed: 0,
};

function refuse(op: string, expected: string, value: unknown): never {
  throw new ParamError({ op, expected, got: typeof value === 'string' ? value : show(value) });
}

type Check = (name: string, value: unknown) => unknown;

const integer =
  (range: Range): Check =>
  (name, value) =>
    checkInteger(name, value, range);
const number =
  (range: Range): Check =>
  (name, value) =>
    checkNumber(name, value, range);
const oneOf =
  (...choices: readonly string[]): Check =>
  (name, value) =>
    checkOneOf(name, value, choices);

const SHARE: Range = { min: 0, below: 1 };
const PROBABILITY: Range = { min: 0, max: 1 };

/** α of a Beta distribution, or 0 for none. */
const alpha: Check = (name, value) => value === 0 || checkNumber(name, value, ALPHA, '0, or a number');

function checkBetas(name: string, value: unknown): void {
  const betas: readonly unknown[] = Array.isArray(value) ? value : [];
  const isBeta = (beta: unknown): boolean => typeof beta === 'number' && beta >= 0 && beta < 1;
  if (betas.length !== 2 || !betas.every(isBeta)) refuse(name, 'two numbers in [0, 1)', value);
}

/** The range of each value alone. */
const CHECKS: Readonly<Record<keyof Recipe, Check>> = {
  epochs: integer({ min: 1, max: MAX_EPOCHS }),
  batchSize: integer({ min: 2 }),
  gradAccumSteps: integer({ min: 1 }),
  optimizer: oneOf('adam', 'adamw', 'sgd', 'lamb'),
  lr: number({ above: 0 }),
  minLr: number({ min: 0 }),
  warmupEpochs: number({ min: 0 }),
  warmupLr: (name, value) => value === null || checkNumber(name, value, { min: 0 }, 'null or a number'),
  weightDecay: number({ min: 0 }),
  decayVectors: checkBoolean,
  momentum: number(SHARE),
  nesterov: checkBoolean,
  betas: checkBetas,
  eps: number({ min: 0 }),
  layerDecay: number({ above: 0, max: 1 }),
  headLr: (name, value) => value === null || checkNumber(name, value, { above: 0 }, 'null or a number'),
  freeze: (_, value) => checkFreeze(value),
  decayEpochs: number({ min: 0 }),
  lambdaSchedule: oneOf('linear', 'cosine'),
  lambdaPer: oneOf('step', 'epoch'),
  fuseAtDecay: checkBoolean,
  loss: oneOf('cross-entropy', 'bce'),
  smoothing: number(SHARE),
  mixup: alpha,
  cutmix: alpha,
  mixupProb: number(PROBABILITY),
  mixupSwitchProb: number(PROBABILITY),
  ema: number(SHARE),
  runningVar: oneOf(...RUNNING_VARS),
  initTruncation: oneOf(...TRUNCATIONS),
  augment: (_, value) => {
    checkAugment(value as AugmentOptions);
  },
  seed: integer({ min: 0, max: 2 ** 32 - 1 }),
};

/** Values that limit each other. */
function checkCombinations(recipe: Recipe): void {
  const { epochs, batchSize, gradAccumSteps, optimizer, nesterov, momentum, lr, minLr, warmupLr, warmupEpochs } =
    recipe;
  if (batchSize % gradAccumSteps !== 0 || batchSize < 2 * gradAccumSteps) {
    const expected = `a divisor of batchSize, ${batchSize}, that leaves 2 images or more to each micro-batch`;
    refuse('gradAccumSteps', expected, gradAccumSteps);
  }
  if (optimizer === 'sgd' && nesterov && momentum === 0) refuse('nesterov', 'a momentum > 0', 'a momentum of 0');
  if (warmupLr !== null && warmupLr > lr) refuse('warmupLr', `a number from 0 to lr, ${lr}, or null`, warmupLr);
  if (minLr > lr) refuse('minLr', `at most lr, ${lr}`, minLr);
  if (warmupEpochs >= epochs) refuse('warmupEpochs', `fewer than ${epochs} epochs`, warmupEpochs);
}

/**
 * Completes a recipe with the defaults, and checks it.
 *
 * @param values those that differ from the defaults
 * @throws ParamError for an unknown key, or a value of another type or out of its range
 */
export function resolveRecipe(values: Partial<Recipe>): Recipe {
  checkObject('recipe', values);
  checkKeys(values, Object.keys(CHECKS), (key) => key);
  for (const [key, value] of Object.entries<unknown>(values)) {
    if (value === undefined) refuse(key, 'a value', 'undefined');
  }
  const recipe = { ...DEFAULT_RECIPE, ...values };
  for (const key of Object.keys(CHECKS) as (keyof Recipe)[]) CHECKS[key](key, recipe[key]);
  checkCombinations(recipe);
  return recipe;
}

/** Epochs done before the last step, by which λ must be 1; whole ones if λ changes with every epoch. */
function lastEpochs({ batchSize, epochs, lambdaPer }: Recipe, images: number): number {
  const steps = Math.floor(images / batchSize);
  return epochs - 1 + (lambdaPer === 'step' ? (steps - 1) / steps : 0);
}

/** Shortens the rise of λ, if it is longer than the run. For a default, which nobody chose for this run. */
export const fitDecay = (recipe: Recipe, images: number): Recipe =>
  recipe.batchSize > images
    ? recipe
    : { ...recipe, decayEpochs: Math.min(recipe.decayEpochs, lastEpochs(recipe, images)) };

/** Requires a complete batch. @param images number of training images @throws ParamError */
export function checkBatchSize({ batchSize }: Recipe, images: number): void {
  if (batchSize > images) refuse('batchSize', `an integer from 2 to the ${images} images`, batchSize);
}

/**
 * Checks a recipe against the size of a set: at least one complete batch, and λ = 1 at the last step, because only a
 * network with λ = 1 can be fused.
 *
 * @param images number of training images
 * @throws ParamError
 */
export function checkRecipe(recipe: Recipe, images: number): void {
  checkBatchSize(recipe, images);
  const { decayEpochs } = recipe;
  const last = lastEpochs(recipe, images);
  if (decayEpochs <= last) return;
  throw new ParamError({
    op: 'decayEpochs',
    expected: last === 0 ? `0, because λ must be 1 in the only ${recipe.lambdaPer}` : `0 to ${last}, the last step`,
    got: `${decayEpochs}`,
    hint: 'Train more epochs, or let lambda reach 1 earlier: only then can the network be fused.',
  });
}
