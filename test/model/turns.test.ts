/** Calls give the event loop its turns, and can be aborted between them. */
import { platform } from '#runtime';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { FloatArray } from '../../src/core/tensor.js';
import { Model } from '../../src/model/model.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy', { input_size: [32, 32] });
const N = 12;
const { data: x } = drawnImages(config, N);
const size = x.length / N;
const image = (i: number): FloatArray => x.subarray(i * size, (i + 1) * size);
const model = await Model.open(drawnState(config), config, wasmBackend);
const expected = await model.forward(x, N);
const alone = Array.from({ length: N }, (_, i) => expected.slice(i * config.num_classes, (i + 1) * config.num_classes));

afterEach(() => {
  jest.restoreAllMocks();
});

/** Of the clock below; it never goes back. */
let time = performance.now() + 1000;

/** A clock on which an image takes some milliseconds, and the number of turns that were given. */
function slowClock(milliseconds: number): () => number {
  const turns = jest.spyOn(platform, 'nextTurn');
  jest.spyOn(performance, 'now').mockImplementation(() => (time += milliseconds));
  return () => turns.mock.calls.length;
}

describe('the event loop has a turn', () => {
  test('between the images of a batch', async () => {
    const turns = slowClock(5);
    expect(await model.forward(x, N)).toEqual(expected);
    expect(turns()).toBe(N);
  });

  test('between concurrent calls', async () => {
    const turns = slowClock(5);
    const order: string[] = [];
    const timer = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('event');
        resolve();
      });
    });
    const calls = alone.map(async (_, i) => {
      const logits = await model.forward(image(i));
      order.push('call');
      return logits;
    });
    expect(await Promise.all(calls)).toEqual(alone);
    await timer;
    expect(turns()).toBe(N);
    expect(order.indexOf('event')).toBeLessThan(2);
  });

  test('between the calls of a loop', async () => {
    const turns = slowClock(5);
    for (let i = 0; i < N; i++) expect(await model.forward(image(i))).toEqual(alone[i]);
    expect(turns()).toBe(N);
  });

  test('between features, and between classified images', async () => {
    const turns = slowClock(5);
    await model.features(x, ['stem'], N);
    expect(turns()).toBe(N);
    expect(await model.classify(alone.map((_, i) => image(i)))).toHaveLength(N);
    expect(turns()).toBe(2 * N);
  });

  test('only every few milliseconds', async () => {
    const turns = slowClock(0.5);
    await model.forward(x, N);
    // The clock is read before and after each turn, too.
    expect(turns()).toBe(1);
  });
});

describe('a signal', () => {
  test('ends a batch at the next image', async () => {
    slowClock(5);
    const controller = new AbortController();
    const later = jest.fn();
    jest.spyOn(platform, 'nextTurn').mockImplementation(() => {
      later();
      if (later.mock.calls.length === 3) controller.abort(new Error('enough'));
      return Promise.resolve();
    });
    await expect(model.forward(x, N, { signal: controller.signal })).rejects.toThrow('enough');
    expect(await model.forward(image(2))).toEqual(alone[2]);
    // Two images after the third turn would have given two more turns.
    expect(later.mock.calls.length).toBeLessThan(6);
  });

  test.each(['forward', 'classify', 'features'] as const)('removes a waiting call of %s', async (method) => {
    const controller = new AbortController();
    const { signal } = controller;
    const first = model.forward(image(0));
    const waiting =
      method === 'forward'
        ? model.forward(image(1), { signal })
        : method === 'classify'
          ? model.classify(image(1), { signal })
          : model.features(image(1), ['stem'], 1, { signal });
    const last = model.forward(image(2));
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(await Promise.all([first, last])).toEqual([alone[0], alone[2]]);
  });

  test('that was aborted before refuses every call', async () => {
    const signal = AbortSignal.abort('early');
    await expect(model.forward(image(0), { signal })).rejects.toBe('early');
    await expect(model.classify(image(0), { signal })).rejects.toBe('early');
    await expect(model.classify([], { signal })).rejects.toBe('early');
    await expect(model.features(image(0), ['stem'], { signal })).rejects.toBe('early');
    expect(await model.forward(image(2), { signal: null })).toEqual(alone[2]);
  });

  test('has no listeners after many calls', async () => {
    const { signal } = new AbortController();
    const [added, removed] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    await Promise.all(alone.map((_, i) => model.classify(image(i), { signal })));
    await expect(model.forward(new Float32Array(1), { signal })).rejects.toThrow('1 values');
    expect(added).toHaveBeenCalled();
    const listeners = (calls: readonly (readonly unknown[])[]) => new Set(calls.map(([, listener]) => listener));
    expect(listeners(removed.mock.calls)).toEqual(listeners(added.mock.calls));
  });
});

test('the caller may overwrite a batch after the call', async () => {
  const own = x.slice();
  const result = model.forward(own, N);
  own.fill(NaN);
  expect(await result).toEqual(expected);
});

test('dispose waits for the images of a list', async () => {
  const other = await Model.open(drawnState(config), config, wasmBackend);
  const result = other.forward(alone.map((_, i) => image(i)));
  other.dispose();
  expect(await result).toEqual(expected);
  await expect(other.forward(image(0))).rejects.toThrow('a disposed model');
});
