/** The end of an epoch: its scores at its λ, and which weights are the best. */
import { compareEpoch, type BestEpochs } from './bestEpochs.js';
import type { NetworkWeights, NewBest } from './progress.js';
import type { Scores } from './scores.js';
import type { EvaluateOptions } from './trainer.js';

/** Scores of an epoch on the held-out images; absent without such images, or without an average. */
export interface HeldOutScores {
  readonly validation?: Scores;
  /** Of the averaged weights. */
  readonly ema?: Scores;
}

/**
 * Evaluates the weights, then their average if there is one, both at the epoch's λ.
 *
 * @param evaluate returns undefined without held-out images
 */
export async function scoreEpoch(
  lambda: number,
  hasEma: boolean,
  evaluate: (options: Required<EvaluateOptions>) => Promise<Scores | undefined>,
): Promise<HeldOutScores> {
  const validation = await evaluate({ lambda, useEma: false });
  const ema = hasEma ? await evaluate({ lambda, useEma: true }) : undefined;
  return { ...(validation === undefined ? {} : { validation }), ...(ema === undefined ? {} : { ema }) };
}

/**
 * Compares an epoch with those before it.
 *
 * @param epoch from 1
 * @param copy copies the weights, or their average, labeled with a λ
 * @returns the best epochs, this one included, and the weights to save
 */
export function updateBest(
  before: BestEpochs,
  { epoch, lambda }: { readonly epoch: number; readonly lambda: number },
  scores: HeldOutScores,
  copy: (options: Required<EvaluateOptions>) => Promise<NetworkWeights>,
): { readonly epochs: BestEpochs; readonly newBest: NewBest } {
  const { epochs, isBest, isBestFusable, useEma } = compareEpoch(before, { epoch, lambda, ...scores });
  const weights = (): Promise<NetworkWeights> => copy({ lambda, useEma });
  return {
    epochs,
    newBest: { ...(isBest ? { best: weights } : {}), ...(isBestFusable ? { bestFusable: weights } : {}) },
  };
}
