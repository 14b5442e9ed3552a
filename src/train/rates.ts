/** The scheduled values of a step. */
import type { Recipe } from './recipe.js';
import { lambdaAt, learningRateAt } from './schedule.js';

export interface Rates {
  readonly lambda: number;
  readonly lr: number;
}

/** Steps that are done. */
export interface StepCount {
  /** Complete epochs. */
  readonly epoch: number;
  /** Steps of the current epoch. */
  readonly step: number;
  /** Steps of all epochs. With another number of images before a resume, not `epoch * steps + step`. */
  readonly globalStep: number;
}

/** λ and learning rate of the step that follows. @param steps steps in an epoch */
export const nextRates = ({ epoch, step, globalStep }: StepCount, steps: number, recipe: Recipe): Rates => ({
  lambda: lambdaAt(epoch, step / steps, recipe),
  lr: learningRateAt(globalStep, steps, recipe),
});

/** λ and learning rate of the last step; those of the first step if none is done. @param steps steps in an epoch */
export const lastRates = ({ epoch, step, globalStep }: StepCount, steps: number, recipe: Recipe): Rates =>
  nextRates({ epoch, step: Math.max(0, step - 1), globalStep: Math.max(0, globalStep - 1) }, steps, recipe);
