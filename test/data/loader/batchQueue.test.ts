/** Where batches are in memory, and how they are queued. */
import { describe, expect, test } from '@jest/globals';
import type { Batch } from '../../../src/data/loader/batch.js';
import { inlineQueue, threadQueue } from '../../../src/data/loader/batchQueue.js';
import type { BatchSource, FileOrder } from '../../../src/data/loader/fillBatch.js';
import type { Threads } from '../../../src/data/loader/loaderThreads.js';
import { createMakeBatch, inputChannels, type BatchRecipe, type Images } from '../../../src/data/loader/makeBatch.js';
import { batchInSlot, slotBytes, type BatchShape } from '../../../src/data/loader/slots.js';
import { Draws } from '../../../src/data/augment/draws.js';
import { createTransform } from '../../../src/data/augment/pipeline.js';
import { lumaPlane } from '../../../src/image/luma.js';

const shape: BatchShape = { batchSize: 3, channels: 2, size: [4, 5], classes: 7 };
/** Pixels, targets and a label of each image. */
const WORDS = 3 * (2 * 4 * 5 + 7 + 1);

const orderOf = (step: number): FileOrder => ({ epoch: 0, step, positions: Int32Array.of(step) });

describe('slots', () => {
  test('have room for complete batches', () => {
    expect([slotBytes(shape, 0), slotBytes(shape, 1), slotBytes(shape, 4)]).toEqual([0, 4 * WORDS, 16 * WORDS]);
  });

  test('lie one after the other: pixels, targets, labels', () => {
    const memory = new ArrayBuffer(slotBytes(shape, 2));
    const { x, targets, labels } = batchInSlot({ memory, shape }, 1, 3);
    expect([x.byteOffset, x.length]).toEqual([4 * WORDS, 3 * 40]);
    expect([targets.byteOffset, targets.length]).toEqual([4 * (WORDS + 120), 21]);
    expect([labels.byteOffset, labels.length]).toEqual([4 * (WORDS + 141), 3]);
    expect(labels.byteOffset + labels.byteLength).toBe(memory.byteLength);
    // A smaller batch begins at the same places.
    const small = batchInSlot({ memory, shape }, 1, 1);
    expect([small.x.length, small.targets.length, small.labels.length]).toEqual([40, 7, 1]);
    expect([small.targets.byteOffset, small.labels.byteOffset]).toEqual([targets.byteOffset, labels.byteOffset]);
  });
});

describe('a queue without threads', () => {
  test('fills a batch when it is taken, after the one before has ended', async () => {
    const log: string[] = [];
    let release = (): void => undefined;
    const fill = async ({ step }: FileOrder, out: Batch): Promise<void> => {
      log.push(`begin ${step}`);
      if (step === 0) await new Promise<void>((resolve) => (release = resolve));
      out.labels.fill(step + 5);
      log.push(`end ${step}`);
    };
    const queue = inlineQueue(fill, shape);
    expect(queue.capacity).toBe(1);
    queue.start(0, orderOf(0));
    expect(log).toEqual([]);
    const first = queue.take(0, 2);
    queue.reset(new Error('another epoch'));
    queue.start(1, orderOf(1));
    const second = queue.take(1, 3);
    await Promise.resolve();
    expect(log).toEqual(['begin 0']);
    release();
    expect((await first).labels).toHaveLength(2);
    expect([...(await second).labels]).toEqual([6, 6, 6]);
    expect(log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1']);
    await queue.stop(new Error('over'));
  });

  test('goes on after a batch that failed', async () => {
    const queue = inlineQueue(
      ({ step }) => (step === 0 ? Promise.reject(new Error('no image')) : Promise.resolve()),
      shape,
    );
    queue.start(0, orderOf(0));
    await expect(queue.take(0, 1)).rejects.toThrow('no image');
    queue.start(1, orderOf(1));
    expect((await queue.take(1, 1)).labels).toHaveLength(1);
  });

  test('returns the memory as it is if nothing was started', async () => {
    const queue = inlineQueue(() => Promise.reject(new Error('not called')), shape);
    expect((await queue.take(0, 1)).x).toHaveLength(40);
  });
});

test('a queue with threads has two slots for each, used in turn', async () => {
  const log: unknown[] = [];
  const threads: Threads = {
    send: ({ number, slot, step }) => void log.push(['send', number, slot, step]),
    wait: (number) => {
      log.push(['wait', number]);
      return Promise.resolve();
    },
    reset: ({ message }) => void log.push(['reset', message]),
    stop: ({ message }) => {
      log.push(['stop', message]);
      return Promise.resolve();
    },
  };
  let started: unknown = null;
  const source = { recipe: 'r' } as unknown as BatchSource;
  const queue = threadQueue(source, shape, 3, (count, data) => {
    started = [count, data.source, data.slots.memory.byteLength, data.slots.memory instanceof SharedArrayBuffer];
    return threads;
  });
  expect(queue.capacity).toBe(6);
  expect(started).toEqual([3, source, slotBytes(shape, 6), true]);
  queue.start(5, orderOf(1));
  queue.start(6, orderOf(2));
  const { x } = await queue.take(8, 1);
  expect(x.byteOffset).toBe(2 * 4 * WORDS);
  queue.reset(new Error('again'));
  await queue.stop(new Error('over'));
  expect(log).toEqual([
    ['send', 5, 5, 1],
    ['send', 6, 0, 2],
    ['wait', 8],
    ['reset', 'again'],
    ['stop', 'over'],
  ]);
});

describe('a batch', () => {
  const recipe: BatchRecipe = {
    ...{ seed: 1, mean: [0.5, 0.25, 0], std: [0.5, 0.25, 1], smoothing: 0, augment: {} },
    fit: { size: [1, 2], crop_pct: 1, resize: 'exact', interpolation: 'bilinear' },
    mix: { mixup: 0, cutmix: 0, prob: 1, switchProb: 0.5 },
  };
  const data = Uint8Array.of(0, 255, 51, 102, 204, 153, 255, 0, 102, 51, 153, 204);
  const images: Images = { data, labels: Int32Array.of(2, 0), channels: 3, height: 1, width: 2, classes: 4 };

  const make = (more: Partial<BatchRecipe>, positions = [1, 0]): Batch => {
    const whole = { ...recipe, ...more };
    const channels = inputChannels(3, whole);
    const [n, length] = [positions.length, channels * 2];
    const out: Batch = { x: new Float32Array(n * length), targets: new Float32Array(n * 4), labels: new Int32Array(n) };
    const order = { epoch: 0, step: 0, positions: Int32Array.from(positions) };
    createMakeBatch(images, whole)(order, out, (i) => ({
      image: { data: data.slice(6 * positions[i], 6 * positions[i] + 6), channels: 3, height: 1, width: 2 },
      draws: Draws.forImage(1, 0, positions[i]),
    }));
    return out;
  };
  const rounded = (values: Float32Array): number[] => Array.from(values, (value) => Number(value.toFixed(4)));

  test('is normalized by channel, in the order of the positions', () => {
    const { x, targets, labels } = make({});
    expect(rounded(x)).toEqual([1, -1, 0.6, -0.2, 0.6, 0.8, -1, 1, -0.2, 0.6, 0.8, 0.6]);
    expect([...labels]).toEqual([0, 2]);
    expect([...targets]).toEqual([1, 0, 0, 0, 0, 0, 1, 0]);
  });

  test('of one channel is filled with the mean, as gray', () => {
    const [n, side] = [12, 8];
    const augment = { randAugment: { prob: 1, layers: 2, magnitude: 10, std: 0 } };
    const fit = { ...recipe.fit, size: [side, side] } as const;
    const pixels = Uint8Array.from({ length: n * 3 * side * side }, (_, i) => (i * i * 13 + 71 * i) % 256);
    const set: Images = { ...images, data: pixels, labels: new Int32Array(n), height: side, width: side };
    const image = (i: number) => {
      return { data: pixels.slice(192 * i, 192 * (i + 1)), channels: 3, height: side, width: side };
    };
    const x = new Float32Array(n * side * side);
    const out: Batch = { x, targets: new Float32Array(4 * n), labels: new Int32Array(n) };
    const positions = Int32Array.from({ length: n }, (_, i) => i);
    const gray = { ...recipe, mean: [0.6], std: [1], augment, fit };
    createMakeBatch(set, gray)({ epoch: 0, step: 0, positions }, out, (i) => ({
      image: image(i),
      draws: Draws.forImage(1, 0, i),
    }));
    // 255 * 0.6 of each color.
    const transform = createTransform(augment, fit, [153, 153, 153]);
    const expected = Array.from(positions, (i) => [
      ...lumaPlane(transform(image(i), Draws.forImage(1, 0, i)).data, side * side),
    ]);
    expect(x).toEqual(Float32Array.from(expected.flat(), (value) => value / 255 - 0.6));
  });

  test('has smoothed targets', () => {
    const { targets } = make({ smoothing: 0.2 });
    expect(rounded(targets)).toEqual([0.85, 0.05, 0.05, 0.05, 0.05, 0.05, 0.85, 0.05]);
  });

  test('has one channel, the luma, for a single mean', () => {
    const { x } = make({ mean: [0], std: [1] }, [0]);
    // L = (19595 R + 38470 G + 7471 B + 2^15) >> 16, as in Pillow.
    const luma = [
      [0, 51, 204],
      [255, 102, 153],
    ].map(([r, g, b]) => (19595 * r + 38470 * g + 7471 * b + 2 ** 15) >> 16);
    expect(rounded(x)).toEqual(luma.map((value) => Number((value / 255).toFixed(4))));
    expect(inputChannels(3, { mean: [0], std: [1] })).toBe(1);
    expect(inputChannels(3, recipe)).toBe(3);
    expect(inputChannels(1, { mean: [0], std: [1] })).toBe(1);
  });
});
