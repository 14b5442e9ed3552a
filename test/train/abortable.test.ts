import { expect, test } from '@jest/globals';
import { abortable } from '../../src/train/abortable.js';

const reason = new Error('enough');

async function* three(): AsyncGenerator<number> {
  for (const value of [1, 2, 3]) yield await Promise.resolve(value);
}

async function collectUntil(signal: AbortSignal | undefined, each: (value: number) => void = () => undefined) {
  const values: number[] = [];
  for await (const value of abortable(signal, three())) {
    values.push(value);
    each(value);
  }
  return values;
}

test('passes all values on, with a signal and without', async () => {
  expect(await collectUntil(undefined)).toEqual([1, 2, 3]);
  expect(await collectUntil(new AbortController().signal)).toEqual([1, 2, 3]);
});

test('requests nothing if the signal is aborted', async () => {
  let requested = false;
  const sequence: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        requested = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  await expect(abortable(AbortSignal.abort(reason), sequence).next()).rejects.toBe(reason);
  expect(requested).toBe(false);
});

test.each([1, 3])('ends after value %d if that one aborts', async (last) => {
  const controller = new AbortController();
  const values: number[] = [];
  const follow = collectUntil(controller.signal, (value) => {
    values.push(value);
    if (value === last) controller.abort(reason);
  });
  await expect(follow).rejects.toBe(reason);
  expect(values).toHaveLength(last);
});

test('ends a pending request, whose later rejection is ignored', async () => {
  const controller = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const sequence: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    }),
  };
  const pending = abortable(controller.signal, sequence).next();
  setTimeout(() => {
    controller.abort(reason);
  }, 1);
  await expect(pending).rejects.toBe(reason);
  fail(new Error('too late'));
});
