import { expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { ParamError } from '../../src/core/errors.js';
import { pause, timeoutOf, withTimeout } from '../../src/core/timeout.js';
import { refusal } from '../io/refusal.js';

const never = new Promise<never>(() => undefined);

test('timeoutOf takes milliseconds, and 0 for none', () => {
  expect([timeoutOf(), timeoutOf(5), timeoutOf(0), timeoutOf(Infinity)]).toEqual([30_000, 5, Infinity, Infinity]);
  for (const value of [-1, NaN, '5', null]) {
    expect(() => timeoutOf(value as number)).toThrow(refusal(ParamError, 'timeout', 'milliseconds >= 0', ''));
  }
});

test('withTimeout settles as the awaited value, or rejects', async () => {
  const late = (): Error => new Error('late');
  expect(await withTimeout(5, 1, late)).toBe(5);
  expect(await withTimeout(Promise.resolve(6), 1000, late)).toBe(6);
  await expect(withTimeout(Promise.reject(new Error('own')), 1000, late)).rejects.toThrow('own');
  await expect(withTimeout(never, 1, late)).rejects.toThrow('late');
  await expect(withTimeout(never, 0, late)).rejects.toThrow('late');
});

test('withTimeout rejects when its signal is aborted, and leaves no listener', async () => {
  const late = (): Error => new Error('late');
  const controller = new AbortController();
  const { signal } = controller;
  expect(await withTimeout(5, 1000, late, signal)).toBe(5);
  await expect(withTimeout(never, 1, late, signal)).rejects.toThrow('late');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const waiting = withTimeout(never, 1e9, late, signal);
  controller.abort('enough');
  await expect(waiting).rejects.toBe('enough');
  await expect(withTimeout(never, 1e9, late, signal)).rejects.toBe('enough');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('pause resolves, and rejects when its signal is aborted', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await pause(1, signal);
  await pause(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const paused = pause(1e9, signal);
  controller.abort('enough');
  await expect(paused).rejects.toBe('enough');
  await expect(pause(1e9, signal)).rejects.toBe('enough');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
