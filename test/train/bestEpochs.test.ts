import { describe, expect, test } from '@jest/globals';
import { compareEpoch, type BestEpochs, type EpochScores } from '../../src/train/bestEpochs.js';
import type { Scores } from '../../src/train/scores.js';

const NO_EPOCHS: BestEpochs = { best: null, bestFusable: null };
const scores = (top1: number): Scores => ({ loss: 1, top1, top5: 1 });

describe('the best epoch', () => {
  test('has the highest top-1 on the held-out images; a tie keeps the earlier epoch', () => {
    let epochs = NO_EPOCHS;
    const isBest = [0.2, 0.5, 0.5, 0.4].map((top1, i) => {
      const comparison = compareEpoch(epochs, { epoch: i + 1, lambda: 0, validation: scores(top1) });
      ({ epochs } = comparison);
      return comparison.isBest;
    });
    expect(isBest).toEqual([true, true, false, false]);
    expect(epochs).toEqual({ best: { epoch: 2, top1: 0.5 }, bestFusable: null });
  });

  test('is the last one without held-out images', () => {
    const before = { best: { epoch: 1, top1: null }, bestFusable: null };
    expect(compareEpoch(before, { epoch: 2, lambda: 0.5 })).toMatchObject({
      epochs: { best: { epoch: 2, top1: null }, bestFusable: null },
      isBest: true,
      isBestFusable: false,
    });
  });
});

describe('the best fusable epoch', () => {
  test.each([0, 0.5, 1 - Number.EPSILON])('is never one with λ = %d', (lambda) => {
    const comparison = compareEpoch(NO_EPOCHS, { epoch: 1, lambda, validation: scores(0.9) });
    expect(comparison.isBestFusable).toBe(false);
    expect(comparison.epochs.bestFusable).toBeNull();
  });

  test('may score lower than a better epoch with λ < 1', () => {
    const before = { best: { epoch: 1, top1: 0.9 }, bestFusable: null };
    expect(compareEpoch(before, { epoch: 2, lambda: 1, validation: scores(0.8) })).toMatchObject({
      epochs: { best: { epoch: 1, top1: 0.9 }, bestFusable: { epoch: 2, top1: 0.8 } },
      isBest: false,
      isBestFusable: true,
    });
  });
});

describe('the averaged weights', () => {
  const compare = (validation: number, ema: number): ReturnType<typeof compareEpoch> => {
    const epoch: EpochScores = { epoch: 1, lambda: 1, validation: scores(validation), ema: scores(ema) };
    return compareEpoch(NO_EPOCHS, epoch);
  };

  test('are the ones to save if they score higher, and their score counts', () => {
    expect(compare(0.3, 0.4)).toMatchObject({ useEma: true, epochs: { best: { top1: 0.4 } } });
  });

  test('are not saved if they score the same or lower', () => {
    expect(compare(0.4, 0.4)).toMatchObject({ useEma: false, epochs: { best: { top1: 0.4 } } });
    expect(compare(0.4, 0.3)).toMatchObject({ useEma: false, epochs: { best: { top1: 0.4 } } });
  });
});
