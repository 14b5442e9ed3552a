import { expect, test } from '@jest/globals';
import { startClock } from '../../src/train/epochClock.js';

test('counts seconds from its start, and those that the loader waited since then', () => {
  const loader = { waited: 500 };
  let now = 10_000;
  const clock = startClock(loader, () => now);
  expect([clock.seconds(), clock.waited()]).toEqual([0, 0]);
  now = 12_500;
  loader.waited = 1250;
  expect([clock.seconds(), clock.waited()]).toEqual([2.5, 0.75]);
});

test('uses the monotonic clock', () => {
  const before = performance.now();
  const clock = startClock({ waited: 0 });
  const seconds = clock.seconds();
  expect(seconds).toBeGreaterThanOrEqual(0);
  expect(seconds).toBeLessThanOrEqual((performance.now() - before) / 1000);
});
