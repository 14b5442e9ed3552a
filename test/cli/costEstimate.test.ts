import { expect, test } from '@jest/globals';
import { costEstimate, longDuration } from '../../src/cli/costEstimate.js';
import { stepRecord } from '../report/syntheticRun.js';

/** Four steps of 100 images in an epoch. */
function estimate(epochs: number, images_per_second: number) {
  let now = 7000;
  const step = costEstimate({ epochs, batchSize: 100 }, () => now);
  return (seconds: number, epoch: number, index: number): string | null => {
    now = 7000 + 1000 * seconds;
    return step(stepRecord(epoch, index, { images_per_second }));
  };
}

test('tells the time of an epoch and of the rest once, after five seconds', () => {
  const at = estimate(10, 4);
  // 100 s an epoch, 25 s a step.
  expect(at(4.9, 1, 1)).toBeNull();
  expect(at(5, 1, 1)).toBe('time   about 1:40 an epoch, 16:15 to the end, by the first steps; evaluation comes on top');
  expect(at(30, 1, 2)).toBeNull();
});

test('counts days of a long run, and only what is left of a resumed one', () => {
  expect(estimate(50, 0.002)(400, 1, 1)).toMatch(
    /^time {3}about 2 days an epoch, 4 months to the end, .* on top; .*--preset article-small$/,
  );
  expect(estimate(10, 4)(60, 10, 1)).toMatch(/^time {3}about 1:40 an epoch, 1:15 to the end, /);
});

test('says nothing about a run that ends within a minute', () => {
  const at = estimate(2, 100);
  expect(at(6, 1, 1)).toBeNull();
  expect(at(7, 1, 2)).toBeNull();
  expect(estimate(2, Infinity)(6, 1, 1)).toBeNull();
  expect(estimate(2, NaN)(6, 1, 1)).toBeNull();
});

/** The line of a run of one epoch of so many seconds, after its first half. */
const halfway = (seconds: number): string | null => {
  let now = 0;
  const step = costEstimate({ epochs: 1, batchSize: seconds / 4 }, () => now);
  now = 5000;
  return step(stepRecord(1, 2, { images_per_second: 1 }));
};

test('a minute gets an estimate, and two days the hint for narrower networks', () => {
  expect(halfway(120)).toBe('time   about 2:00 an epoch, 1:00 to the end, by the first steps; evaluation comes on top');
  expect(halfway(119)).toBeNull();
  expect(halfway(4 * 86_400)).toMatch(/ 2 days to the end, .* on top; narrower networks and smaller images take less/);
  expect(halfway(4 * 86_400 - 4)).toMatch(/ 47:59:58 to the end, .* on top$/);
});

test.each([
  [172_799, '47:59:59'],
  [172_800, '2 days'],
  [13.4 * 86_400, '13 days'],
  [14 * 86_400, '2 weeks'],
  [60 * 86_400, '9 weeks'],
  [92 * 86_400, '3 months'],
  [700 * 86_400, '23 months'],
  [731 * 86_400, '2 years'],
  [1234.4 * 31_556_952, '1,234 years'],
])('%d seconds are %s', (seconds, text) => {
  expect(longDuration(seconds)).toBe(text);
});
