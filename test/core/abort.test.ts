import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { checkSignal, onAbort, throwIfAborted, untilAborted } from '../../src/core/abort.js';
import { ParamError } from '../../src/core/errors.js';

const never = new Promise<never>(() => undefined);
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
/** A turn of the event loop, in which unhandled rejections would be reported. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('checkSignal', () => {
  test('returns a signal, and undefined for none', () => {
    const { signal } = new AbortController();
    expect(checkSignal('signal', signal)).toBe(signal);
    expect(checkSignal('signal', undefined)).toBeUndefined();
    expect(checkSignal('signal', null)).toBeUndefined();
  });

  test('takes the signal of another realm', () => {
    const foreign = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
    expect(checkSignal('signal', foreign)).toBe(foreign);
  });

  test.each([
    new AbortController(),
    true,
    'abort',
    5_000,
    () => undefined,
    {},
    { aborted: 'no', addEventListener: () => undefined, removeEventListener: () => undefined },
    { aborted: false, removeEventListener: () => undefined },
    { aborted: false, addEventListener: () => undefined },
  ])('refuses %p', (value) => {
    const check = (): unknown => checkSignal('classify: signal', value);
    expect(check).toThrow(ParamError);
    expect(check).toThrow('classify: signal: expected an AbortSignal, got ');
    expect(check).toThrow(
      expect.objectContaining({
        hint: 'Pass the signal of an AbortController, or AbortSignal.timeout(milliseconds).',
      }),
    );
  });
});

describe('throwIfAborted', () => {
  test('throws the reason of an aborted signal only', () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    throwIfAborted(undefined);
    throwIfAborted(null);
    throwIfAborted(controller.signal);
    controller.abort(reason);
    expect(() => {
      throwIfAborted(controller.signal);
    }).toThrow(reason);
  });

  test('throws an AbortError without a reason', () => {
    expect(() => {
      throwIfAborted(AbortSignal.abort());
    }).toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});

describe('onAbort', () => {
  test('calls the listener once, with the reason', () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    onAbort(controller.signal, (reason) => reasons.push(reason));
    expect(reasons).toEqual([]);
    controller.abort('enough');
    controller.signal.dispatchEvent(new Event('abort'));
    expect(reasons).toEqual(['enough']);
  });

  test('calls the listener at once if the signal is aborted', () => {
    const reasons: unknown[] = [];
    const signal = AbortSignal.abort('before');
    onAbort(signal, (reason) => reasons.push(reason))();
    expect(reasons).toEqual(['before']);
    expect(listeners(signal)).toBe(0);
  });

  test('calls nothing after the listener was removed, and without a signal', () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    onAbort(controller.signal, (reason) => reasons.push(reason))();
    expect(listeners(controller.signal)).toBe(0);
    controller.abort();
    onAbort(undefined, (reason) => reasons.push(reason))();
    onAbort(null, (reason) => reasons.push(reason))();
    expect(reasons).toEqual([]);
  });
});

describe('untilAborted', () => {
  test('settles as the promise does and removes its listener', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(signal, Promise.resolve(1))).resolves.toBe(1);
    await expect(untilAborted(signal, 2)).resolves.toBe(2);
    await expect(untilAborted(signal, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(listeners(signal)).toBe(0);
    await expect(untilAborted(undefined, Promise.resolve(3))).resolves.toBe(3);
    await expect(untilAborted(null, Promise.resolve(4))).resolves.toBe(4);
  });

  test('rejects with the reason when the signal is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const pending = untilAborted(controller.signal, never);
    expect(listeners(controller.signal)).toBe(1);
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(listeners(controller.signal)).toBe(0);
  });

  test('rejects at once if the signal is aborted, even if the promise is settled', async () => {
    await expect(untilAborted(AbortSignal.abort('before'), never)).rejects.toBe('before');
    await expect(untilAborted(AbortSignal.abort('before'), Promise.resolve(1))).rejects.toBe('before');
  });

  test('ignores a later rejection of the promise', async () => {
    const unhandled: unknown[] = [];
    const record = (reason: unknown): void => {
      unhandled.push(reason);
    };
    process.on('unhandledRejection', record);
    try {
      const controller = new AbortController();
      const late = new AbortController();
      const work = new Promise<never>((_, reject) => onAbort(late.signal, reject));
      const pending = untilAborted(controller.signal, work);
      controller.abort('enough');
      await expect(pending).rejects.toBe('enough');
      late.abort(new Error('late'));
      await nextTurn();
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', record);
    }
  });
});
