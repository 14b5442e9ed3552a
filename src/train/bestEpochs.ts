import type { Best } from './checkpoint.js';
import type { Scores } from './scores.js';

/** The best epochs so far: of all, and of those with λ = 1. Null before the first. */
export interface BestEpochs {
  readonly best: Best | null;
  /** Only a network with λ = 1 can be fused. */
  readonly bestFusable: Best | null;
}

/** Scores of an epoch on the held-out images; absent without such images, or without an average. */
export interface EpochScores {
  /** From 1. */
  readonly epoch: number;
  readonly lambda: number;
  readonly validation?: Scores | undefined;
  /** Of the averaged weights. */
  readonly ema?: Scores | undefined;
}

export interface Comparison {
  /** The best epochs, this one included. */
  readonly epochs: BestEpochs;
  /** Whether this epoch is the best so far, and the best fusable one. */
  readonly isBest: boolean;
  readonly isBestFusable: boolean;
  /** Whether the averaged weights scored higher than the weights themselves: then they are the ones to save. */
  readonly useEma: boolean;
}

/**
 * Compares an epoch with the best before it, by top-1 on the held-out images. Equal scores keep the earlier epoch.
 * Without held-out images, every epoch counts as better than those before it.
 */
export function compareEpoch(before: BestEpochs, { epoch, lambda, validation, ema }: EpochScores): Comparison {
  const useEma = ema !== undefined && validation !== undefined && ema.top1 > validation.top1;
  const top1 = useEma ? ema.top1 : (validation?.top1 ?? null);
  const beats = (best: Best | null): boolean => best === null || top1 === null || top1 > (best.top1 ?? 0);
  const isBest = beats(before.best);
  const isBestFusable = lambda === 1 && beats(before.bestFusable);
  return {
    epochs: {
      best: isBest ? { epoch, top1 } : before.best,
      bestFusable: isBestFusable ? { epoch, top1 } : before.bestFusable,
    },
    isBest,
    isBestFusable,
    useEma,
  };
}
