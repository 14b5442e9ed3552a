import { expect, test } from '@jest/globals';
import { joinPasses, microBatches } from '../../src/train/microBatches.js';
import { addTallies, EMPTY_TALLY, meanCrossEntropy, rankOf, scoresOf, tallyBatch } from '../../src/train/scores.js';

test('ranks count larger logits; of equal ones, the first class ranks first', () => {
  expect([0, 1, 2, 3].map((target) => rankOf([3, 5, 3, -Infinity], target))).toEqual([1, 0, 2, 3]);
  expect(rankOf([NaN, 1], 0)).toBe(Infinity);
});

test('top-1 and top-5 are shares of the images, whatever the sizes of the batches', () => {
  // Seven classes in falling order: the target's rank is its index.
  const row = [7, 6, 5, 4, 3, 2, 1];
  const batch = (labels: number[], loss: number) =>
    tallyBatch(loss, Float32Array.from(labels.flatMap(() => row)), labels);
  const whole = addTallies(addTallies(EMPTY_TALLY, batch([0, 4, 5], 2)), batch([0], 6));
  expect(whole).toEqual({ loss: 12, top1: 2, top5: 3, seen: 4 });
  expect(scoresOf(whole)).toEqual({ loss: 3, top1: 0.5, top5: 0.75 });
  expect(scoresOf(EMPTY_TALLY)).toEqual({ loss: NaN, top1: NaN, top5: NaN });
});

test('the cross-entropy is the mean over the images, also of logits that overflow', () => {
  expect(meanCrossEntropy(Float32Array.of(0, 0, 0, 0), [0, 1])).toBeCloseTo(Math.log(2), 15);
  expect(meanCrossEntropy(Float32Array.of(1000, 0, 0, 1000), [0, 0])).toBeCloseTo(500, 12);
});

test('micro-batches are consecutive parts of a batch, as views; their results are joined in order', () => {
  const [x, targets] = [Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), Float32Array.of(1, 0, 0, 1)];
  const parts = microBatches(x, targets, 2);
  expect(parts.map((part) => [[...part.x], [...part.targets]])).toEqual([
    [
      [1, 2, 3, 4],
      [1, 0],
    ],
    [
      [5, 6, 7, 8],
      [0, 1],
    ],
  ]);
  expect(parts[1].x.buffer).toBe(x.buffer);
  const outcomes = parts.map(({ targets: logits }, i) => ({ loss: 2 * i + 1, logits }));
  expect(joinPasses(outcomes)).toEqual({ loss: 2, logits: Float32Array.of(1, 0, 0, 1) });
  expect(joinPasses(outcomes.slice(0, 1))).toBe(outcomes[0]);
  const exact = joinPasses([0, 1].map((loss) => ({ loss, logits: Float64Array.of(loss) })));
  expect(exact).toEqual({ loss: 0.5, logits: Float64Array.of(0, 1) });
});
