import { expect, test } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { mapConcurrent } from '../../src/data/mapConcurrent.js';

test('calls work once for each index, at most `limit` at a time', async () => {
  const indices: number[] = [];
  let [now, most] = [0, 0];
  await mapConcurrent(20, 3, async (i) => {
    most = Math.max(most, ++now);
    await setTimeout(1);
    indices.push(i);
    now--;
  });
  expect(most).toBe(3);
  expect(indices.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('after an error starts no calls, and waits for the running ones', async () => {
  const [started, finished]: [number[], number[]] = [[], []];
  const all = mapConcurrent(20, 3, async (i) => {
    started.push(i);
    if (i === 1) throw new RangeError('the second');
    await setTimeout(20);
    finished.push(i);
  });
  await expect(all).rejects.toThrow('the second');
  expect([started, finished]).toEqual([
    [0, 1, 2],
    [0, 2],
  ]);
});
