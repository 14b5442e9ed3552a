/** A thread that is lost in the middle of a call: the answer is right to the bit, and the next calls are too. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { platform } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveConfig } from '../../../src/core/config.js';
import { BackendUnavailableError } from '../../../src/core/errors.js';
import { featureNames } from '../../../src/core/network.js';
import { streamOf } from '../../../src/core/weights.js';
import { Model } from '../../../src/model/model.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { draw, uniform } from '../draw.js';
import { withLostThread, type Loss } from '../lostThread.js';
import { drawState } from '../networks.js';
import { endOf, workersOf } from '../workers.js';

const sizes = {
  dims: [64, 96, 128],
  strides: [2, 1],
  num_classes: 40,
  act_num: 2,
  input_size: 48,
  form: 'deploy',
} as const;
const config = resolveConfig(sizes);
const state = drawState(config);
const x = draw([3, 48, 48], uniform(3)).data;
const other = draw([3, 48, 48], uniform(4)).data;
const LAYERS = featureNames(config);

const open = (threads: number): Promise<Model> =>
  Model.open(state, config, createWasmBackend({ build: 'plain', threads }));

const single = await open(1);
const expected = {
  logits: await single.forward(x),
  other: await single.forward(other),
  maps: await single.features(x, LAYERS),
};

afterEach(() => {
  jest.restoreAllMocks();
});

const REGIONS = [0, 1, 2, 3, 4, null];
const LOSSES: Loss[] = [
  ...REGIONS.map((region) => ({ region, end: 'wakes late' as const })),
  { region: 1, end: 'exits' },
  { region: 2, end: 'spins' },
  { region: 3, end: 'sleeps' },
];

test.each(LOSSES)('a thread that $end, with panels of region $region', async (loss) => {
  const threads = loss.end === 'wakes late' ? 2 : 3;
  const workers = await workersOf(async () => {
    const { opened: model, loseInNextRun } = await withLostThread(loss, () => open(threads));
    expect(model.info.threads).toBe(threads);
    expect(await model.forward(other)).toEqual(expected.other);
    loseInNextRun();
    expect(await model.forward(x)).toEqual(expected.logits);
    expect(model.info.threads).toBe(1);
    // What the lost thread does later changes nothing.
    for (let i = 0; i < 4; i++) {
      expect(await model.forward(other)).toEqual(expected.other);
      if (loss.end === 'wakes late') await sleep(70);
    }
    expect(await model.features(x, LAYERS)).toEqual(expected.maps);
    expect(model.info).toMatchObject({ build: 'plain', threads: 1, memory: expect.any(Number) });
    // Not disposed: all threads were ended when one was lost.
  });
  expect(workers).toHaveLength(threads - 1);
  await endOf(workers);
});

test.each([0, 1, 2, 3, 4])('maps are right if a thread is lost before map %d', async (runs) => {
  const { opened: model, loseInNextRun } = await withLostThread({ region: 0, end: 'wakes late' }, () => open(2));
  await model.forward(x);
  const names = LAYERS.slice(runs);
  loseInNextRun();
  const maps = await model.features(x, names);
  expect([...maps]).toEqual([...expected.maps].filter(([name]) => names.includes(name)));
  expect(await model.forward(other)).toEqual(expected.other);
  expect(model.info.threads).toBe(1);
  model.dispose();
});

describe('without memory for a copy', () => {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { Memory: unknown } };
  const { Memory } = WebAssembly;
  afterEach(() => {
    WebAssembly.Memory = Memory;
  });

  test('the call is refused, and the next one tries again', async () => {
    const { opened: session, loseInNextRun } = await withLostThread({ region: 2, end: 'sleeps' }, () =>
      createWasmBackend({ build: 'plain', threads: 2 }).open(streamOf(state), config),
    );
    loseInNextRun();
    WebAssembly.Memory = jest.fn(() => {
      throw new RangeError('could not allocate memory');
    });
    for (let i = 0; i < 2; i++) {
      await expect(session.forward(x, 1)).rejects.toThrow(BackendUnavailableError);
      expect(session.info.threads).toBe(1);
    }
    WebAssembly.Memory = Memory;
    expect(await session.forward(other, 1)).toEqual(expected.other);
    expect(await session.forward(x, 1)).toEqual(expected.logits);
    session.dispose();
  });
});

test('new threads are started later, and may be lost again, three times', async () => {
  const { opened: model, loseInNextRun } = await withLostThread({ region: 1, end: 'sleeps' }, () => open(2));
  loseInNextRun();
  expect(await model.forward(x)).toEqual(expected.logits);
  expect(model.info.threads).toBe(1);
  const now = performance.now.bind(performance);
  const starts = jest.spyOn(platform, 'startWorker');
  for (let restarts = 1; restarts <= 4; restarts++) {
    // Later than the next start is allowed.
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 10_000 * restarts);
    expect(await model.forward(other)).toEqual(expected.other);
    expect(starts).toHaveBeenCalledTimes(Math.min(restarts, 3));
    while (model.info.threads !== 2 && restarts < 4) await sleep(5);
    expect(model.info.threads).toBe(restarts < 4 ? 2 : 1);
    expect(await model.forward(x)).toEqual(expected.logits);
    if (restarts < 4) {
      // A thread that never leaves the run.
      const data = starts.mock.lastCall?.[1] as { memory: { buffer: ArrayBuffer }; program: number };
      Atomics.add(new Int32Array(data.memory.buffer), data.program / 4 + 1, 1);
      expect(await model.forward(other)).toEqual(expected.other);
      expect(model.info.threads).toBe(1);
    }
  }
  model.dispose();
});

test('threads that end while they wait are not counted, and the others go on', async () => {
  const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(8);
  const workers = await workersOf(async () => {
    const model = await open(4);
    expect(model.info.threads).toBe(4);
    expect(await model.forward(x)).toEqual(expected.logits);
    model.dispose();
  });
  cores.mockRestore();
  await endOf(workers);
});
