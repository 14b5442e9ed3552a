/** Calls that share a signal share one listener of it: Node warns of more than ten. */
import { expect, jest, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { onAbort } from '../../src/core/abort.js';

const count = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('there is one listener for all calls, and none after the last', () => {
  const { signal } = new AbortController();
  const removers = Array.from({ length: 30 }, () => onAbort(signal, () => undefined));
  expect(count(signal)).toBe(1);
  for (const remove of removers.slice(1)) remove();
  expect(count(signal)).toBe(1);
  removers[0]();
  expect(count(signal)).toBe(0);
  // Again: the first ones have left nothing behind.
  onAbort(signal, () => undefined)();
  expect(count(signal)).toBe(0);
});

test('every call is told the reason once, in the order of the calls', () => {
  const controller = new AbortController();
  const calls: [number, unknown][] = [];
  for (const i of [1, 2, 3]) onAbort(controller.signal, (reason) => calls.push([i, reason]));
  controller.abort('over');
  expect(calls).toEqual([
    [1, 'over'],
    [2, 'over'],
    [3, 'over'],
  ]);
  expect(count(controller.signal)).toBe(0);
});

test('the same function may be registered twice, and is removed one by one', () => {
  const controller = new AbortController();
  const listener = jest.fn();
  const remove = onAbort(controller.signal, listener);
  onAbort(controller.signal, listener);
  remove();
  remove();
  controller.abort();
  expect(listener).toHaveBeenCalledTimes(1);
});

test('a call that another one removes meanwhile is not told', () => {
  const controller = new AbortController();
  const listener = jest.fn();
  let remove = (): void => undefined;
  onAbort(controller.signal, () => {
    remove();
  });
  remove = onAbort(controller.signal, listener);
  controller.abort();
  expect(listener).not.toHaveBeenCalled();
});

test('signals do not share', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const [first, second] = [jest.fn(), jest.fn()];
  onAbort(one.signal, first);
  onAbort(other.signal, second);
  other.abort();
  expect(first).not.toHaveBeenCalled();
  expect(second).toHaveBeenCalledTimes(1);
});

test('an error of one call does not keep the others from being called', () => {
  const controller = new AbortController();
  const [error, listener] = [new Error('of a listener'), jest.fn()];
  const later = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined);
  onAbort(controller.signal, () => {
    throw error;
  });
  onAbort(controller.signal, listener);
  controller.abort();
  expect(listener).toHaveBeenCalledTimes(1);
  expect(later).toHaveBeenCalledTimes(1);
  expect(later.mock.calls[0][0]).toThrow(error);
  later.mockRestore();
});
