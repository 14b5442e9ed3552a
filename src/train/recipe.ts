/** How a network is trained: values, and what is refused. */
import { ParamError } from '../core/errors.js';
import type { Loss, OptimizerKind } from '../core/optimizer.js';
import { checkAugment, type AugmentOptions } from '../data/augment/options.js';

export interface Recipe {
  readonly epochs: number;
  /** An incomplete last batch is left out: 2 to the size of the set. */
  readonly batchSize: number;
  /**
   * Micro-batches that a batch is passed in, one after the other, so that it needs the memory of
   * one. Gradients are averaged over them; batch norms see each alone.
   */
  readonly gradAccumSteps: number;
  readonly optimizer: OptimizerKind;
  /** Of the first step after the warm-up; annealed to `minLr` along a cosine, step by step. */
  readonly lr: number;
  readonly minLr: number;
  /** Epochs over which the learning rate rises along a line; their last step reaches `lr`. */
  readonly warmupEpochs: number;
  /**
   * Learning rate of the very first step of the warm-up. Null for one part of as many as it
   * has steps, as the line from 0 *before* the first step has it; the official code begins
   * with a step at 0, and so do timm and `np.linspace` with one at the rate they are told.
   */
  readonly warmupLr: number | null;
  /** Coupled for adam and sgd, decoupled for adamw and lamb. */
  readonly weightDecay: number;
  /** Whether biases and normalizations decay, too. */
  readonly decayVectors: boolean;
  /** Of sgd. */
  readonly momentum: number;
  /** Of sgd: look ahead along the new momentum. */
  readonly nesterov: boolean;
  /** Of the moments of adam, adamw and lamb. */
  readonly betas: readonly [number, number];
  /** What is added to the root of the second moment. */
  readonly eps: number;
  /** By how much the learning rate shrinks from each layer to the one below; 1 for none. */
  readonly layerDecay: number;
  /** Epochs over which λ rises from 0 to 1; so few that the last step is at 1. */
  readonly decayEpochs: number;
  readonly lambdaSchedule: 'linear' | 'cosine';
  readonly lambdaPer: 'step' | 'epoch';
  /** Fuse where λ reaches 1, and go on with the shallow network. */
  readonly fuseAtDecay: boolean;
  readonly loss: Loss;
  /** Label smoothing, in [0, 1). */
  readonly smoothing: number;
  /** α of mixup and of CutMix; 0 for none. */
  readonly mixup: number;
  readonly cutmix: number;
  /** Probability that a batch is mixed at all, and that it is CutMix where both are on. */
  readonly mixupProb: number;
  readonly mixupSwitchProb: number;
  /** Decay of the averaged weights, in [0, 1); 0 for none. */
  readonly ema: number;
  readonly augment: AugmentOptions;
  readonly seed: number;
}

/** What is not said: Adam at a constant diet, nothing drawn but the shuffle and the dropout. */
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
  augment: {},
  seed: 0,
};

function refuse(op: string, expected: string, got: unknown): never {
  throw new ParamError({ op, expected, got: typeof got === 'string' ? got : JSON.stringify(got) });
}

const CHOICES = {
  optimizer: ['adam', 'adamw', 'sgd', 'lamb'],
  lambdaSchedule: ['linear', 'cosine'],
  lambdaPer: ['step', 'epoch'],
  loss: ['cross-entropy', 'bce'],
} as const;

/** What a number may be: in words, and as a test. */
type Range = readonly [words: string, holds: (value: number) => boolean];
const POSITIVE: Range = ['a number > 0', (v) => v > 0 && v < Infinity];
const NOT_NEGATIVE: Range = ['a number >= 0', (v) => v >= 0 && v < Infinity];
const SHARE: Range = ['a number in [0, 1)', (v) => v >= 0 && v < 1];
const PROBABILITY: Range = ['a number in [0, 1]', (v) => v >= 0 && v <= 1];
const RANGES = {
  epochs: ['an integer >= 1', (v) => Number.isSafeInteger(v) && v >= 1],
  batchSize: ['an integer >= 2', (v) => Number.isSafeInteger(v) && v >= 2],
  gradAccumSteps: ['an integer >= 1', (v) => Number.isSafeInteger(v) && v >= 1],
  lr: POSITIVE,
  minLr: NOT_NEGATIVE,
  warmupEpochs: NOT_NEGATIVE,
  weightDecay: NOT_NEGATIVE,
  momentum: SHARE,
  eps: NOT_NEGATIVE,
  layerDecay: ['a number in (0, 1]', (v) => v > 0 && v <= 1],
  decayEpochs: NOT_NEGATIVE,
  smoothing: SHARE,
  mixup: NOT_NEGATIVE,
  cutmix: NOT_NEGATIVE,
  mixupProb: PROBABILITY,
  mixupSwitchProb: PROBABILITY,
  ema: SHARE,
  seed: ['an integer in [0, 2^32)', (v) => Number.isSafeInteger(v) && v >= 0 && v < 2 ** 32],
} satisfies Partial<Record<keyof Recipe, Range>>;

/** @param betas as a file may have them */
function checkBetas(betas: unknown): void {
  const list: readonly unknown[] = Array.isArray(betas) ? betas : [];
  if (list.length === 2 && list.every((v) => typeof v === 'number' && SHARE[1](v))) return;
  refuse('betas', 'two numbers in [0, 1)', betas);
}

/**
 * A whole recipe out of what is given, the rest as in `PLAIN`.
 *
 * @throws ParamError for an unknown key, or a value of another type or out of its range
 */
export function resolveRecipe(given: Partial<Recipe>): Recipe {
  for (const [key, value] of Object.entries<unknown>(given)) {
    if (!Object.hasOwn(DEFAULT_RECIPE, key))
      refuse(key, `one of ${Object.keys(DEFAULT_RECIPE).join(', ')}`, 'an unknown key');
    if (value === undefined) refuse(key, 'a value', 'undefined');
  }
  const recipe = { ...DEFAULT_RECIPE, ...given };
  for (const [key, [words, holds]] of Object.entries<Range>(RANGES)) {
    const value: unknown = recipe[key as keyof typeof RANGES];
    if (typeof value !== 'number' || !holds(value))
      refuse(key, words, typeof value === 'number' ? String(value) : value);
  }
  for (const [key, choices] of Object.entries<readonly string[]>(CHOICES)) {
    const value: unknown = recipe[key as keyof typeof CHOICES];
    if (typeof value !== 'string' || !choices.includes(value)) refuse(key, `one of ${choices.join(', ')}`, value);
  }
  for (const key of ['fuseAtDecay', 'decayVectors', 'nesterov'] as const) {
    if (typeof recipe[key] !== 'boolean') refuse(key, 'true or false', recipe[key]);
  }
  const { batchSize, gradAccumSteps } = recipe;
  if (batchSize % gradAccumSteps !== 0 || batchSize < 2 * gradAccumSteps) {
    const expected = `a divisor of batchSize, ${batchSize}, that leaves 2 images or more to each micro-batch`;
    refuse('gradAccumSteps', expected, String(gradAccumSteps));
  }
  checkBetas(recipe.betas);
  if (recipe.optimizer === 'sgd' && recipe.nesterov && recipe.momentum === 0)
    refuse('nesterov', 'a momentum > 0', 'a momentum of 0');
  checkAugment(recipe.augment);
  const { warmupLr } = recipe;
  if (warmupLr !== null && !(typeof warmupLr === 'number' && warmupLr >= 0 && warmupLr <= recipe.lr)) {
    refuse('warmupLr', `a number from 0 to lr, ${recipe.lr}, or null`, warmupLr);
  }
  if (recipe.minLr > recipe.lr) refuse('minLr', `at most lr, ${recipe.lr}`, recipe.minLr);
  if (recipe.warmupEpochs >= recipe.epochs)
    refuse('warmupEpochs', `fewer than ${recipe.epochs} epochs`, recipe.warmupEpochs);
  return recipe;
}

/**
 * That a recipe fits so many images: a whole batch, and λ at 1 by the last step.
 *
 * @throws ParamError
 */
export function checkRecipe({ batchSize, epochs, decayEpochs, lambdaPer }: Recipe, images: number): void {
  if (batchSize > images) refuse('batchSize', `an integer from 2 to the ${images} images`, String(batchSize));
  const steps = Math.floor(images / batchSize);
  const last = epochs - 1 + (lambdaPer === 'step' ? (steps - 1) / steps : 0);
  if (decayEpochs > last) {
    refuse('decayEpochs', `0 to ${last}, the last step: fusion needs λ = 1 at the end`, String(decayEpochs));
  }
}
