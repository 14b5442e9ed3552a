/** Several threads on one network: the same bits, no deadlock, and no thread left running. */
import { platform } from '#runtime';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { resolveConfig } from '../../../src/core/config.js';
import { BackendUnavailableError, ParamError } from '../../../src/core/errors.js';
import { streamOf } from '../../../src/core/weights.js';
import { Model } from '../../../src/model/model.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { memoryPlan } from '../../../src/wasm/inference/memoryPlan.js';
import { threadCount } from '../../../src/wasm/team.js';
import { refusal } from '../../io/refusal.js';
import { BUILDS } from '../builds.js';
import { withLostThread } from '../lostThread.js';
import { draw, uniform } from '../draw.js';
import { drawState, NARROW } from '../networks.js';
import { endOf, workersOf } from '../workers.js';
import { expectSameBits } from './threadBits.js';

/** A machine with more cores than the tests use. */
beforeEach(() => {
  jest.spyOn(platform, 'parallelism').mockReturnValue(8);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const COUNTS = [2, 3, 5];
/** A number of threads for each network; threads.long.test.ts has all of them. */
const CASES = BUILDS.flatMap((build) =>
  NARROW.map((network, i) => ({ build, ...network, threads: COUNTS[i % COUNTS.length] })),
);

test.each(CASES)('$build, $label: $threads threads give the same bits as one', async ({ threads, ...network }) => {
  await expectSameBits(network, [threads]);
});

const config = resolveConfig({ ...NARROW[0].sizes, form: 'deploy' });
const state = drawState(config);
const size = config.in_chans * config.input_size[0] * config.input_size[1];

describe('a team', () => {
  test('answers two thousand calls, with pauses in which the threads go to sleep', async () => {
    const model = await Model.open(state, config, createWasmBackend({ build: 'plain', threads: 3 }));
    const single = await Model.open(state, config, createWasmBackend({ build: 'plain' }));
    const images = [1, 2, 3, 4].map((seed) => draw([size], uniform(seed)).data);
    const expected = await Promise.all(images.map((image) => single.forward(image)));
    let wrong = 0;
    for (let i = 0; i < 500; i++) {
      // Concurrent calls must be queued, or images would be mixed up.
      const answers = await Promise.all(images.map((image) => model.forward(image)));
      answers.forEach((answer, k) => (wrong += answer.join() === expected[k].join() ? 0 : 1));
      if (i % 20 === 0) await sleep(2);
    }
    expect(wrong).toBe(0);
    model.dispose();
  });

  test('ends on dispose, even before it has started', async () => {
    const backend = createWasmBackend({ threads: 4 });
    const workers = await workersOf(async () => {
      const early = await backend.open(streamOf(state), config);
      early.dispose();
      const session = await backend.open(streamOf(state), config);
      await session.forward(new Float32Array(size), 1);
      await sleep(50);
      session.dispose();
    });
    expect(workers).toHaveLength(6);
    await endOf(workers);
  });

  test('ends if a tensor is missing', async () => {
    const workers = await workersOf(async () => {
      const incomplete = new Map([...state].filter(([name]) => name !== 'cls.2.bias'));
      const opening = createWasmBackend({ threads: 2 }).open(streamOf(incomplete), config);
      await expect(opening).rejects.toThrow('cls.2.bias: expected 5 values, got 0');
    });
    expect(workers).toHaveLength(1);
    await endOf(workers);
  });

  test('that loses a thread gives the same answers, and reports the remaining number', async () => {
    const single = await createWasmBackend({ build: 'plain' }).open(streamOf(state), config);
    const x = draw([size], uniform(7)).data;
    const expected = await single.forward(x, 1);
    const backend = createWasmBackend({ build: 'plain', threads: 3 });
    let session = single;
    const [worker] = await workersOf(async () => {
      session = await backend.open(streamOf(state), config);
    });
    expect(session.info.threads).toBe(3);
    expect(await session.forward(x, 1)).toEqual(expected);
    // By then the thread sleeps.
    await sleep(50);
    await worker.terminate();
    expect(session.info.threads).toBe(2);
    for (let i = 0; i < 10; i++) expect(await session.forward(x, 1)).toEqual(expected);
    session.dispose();
  });

  test('replaces a thread that ended while it waited, some seconds later and three times', async () => {
    const x = draw([size], uniform(7)).data;
    const starts = jest.spyOn(platform, 'startWorker');
    const workers: Worker[] = [];
    const listen = (message: unknown): void => {
      workers.push((message as { worker: Worker }).worker);
    };
    subscribe('worker_threads', listen);
    const session = await createWasmBackend({ build: 'plain', threads: 2 }).open(streamOf(state), config);
    const expected = await session.forward(x, 1);
    const now = performance.now.bind(performance);
    for (let restarts = 1; restarts <= 4; restarts++) {
      await workers[workers.length - 1].terminate();
      expect(session.info.threads).toBe(1);
      // Not at once: a machine may end every thread.
      expect(await session.forward(x, 1)).toEqual(expected);
      expect(starts).toHaveBeenCalledTimes(restarts);
      jest.spyOn(performance, 'now').mockImplementation(() => now() + 10_000 * restarts);
      for (let i = 0; i < 2; i++) expect(await session.forward(x, 1)).toEqual(expected);
      expect(starts).toHaveBeenCalledTimes(Math.min(restarts, 3) + 1);
      if (restarts === 4) break;
      while (session.info.threads !== 2) await sleep(2);
      expect(await session.forward(x, 1)).toEqual(expected);
    }
    expect(session.info.threads).toBe(1);
    unsubscribe('worker_threads', listen);
    session.dispose();
  });

  test('that loses a thread in the middle of a call gives the same answers', async () => {
    const single = await createWasmBackend({ build: 'plain' }).open(streamOf(state), config);
    const x = draw([size], uniform(7)).data;
    const expected = await single.forward(x, 1);
    const workers = await workersOf(async () => {
      const { opened: session, loseInNextRun } = await withLostThread({ region: 1, end: 'spins' }, () =>
        createWasmBackend({ build: 'plain', threads: 3 }).open(streamOf(state), config),
      );
      loseInNextRun();
      expect(await session.forward(x, 1)).toEqual(expected);
      expect(session.info.threads).toBe(1);
      expect(await session.forward(x, 1)).toEqual(expected);
    });
    expect(workers).toHaveLength(2);
    await endOf(workers);
  });

  test('does not keep the process alive', async () => {
    const script = `
      import { createWasmBackend, parameterShapes, resolveConfig, streamOf } from 'vanillanet';
      const config = resolveConfig({ dims: [8, 8], strides: [2], num_classes: 3, input_size: 16, form: 'deploy' });
      const state = new Map([...parameterShapes(config)].map(([name, shape]) => [
        name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01) }]));
      const session = await createWasmBackend({ threads: 3 }).open(streamOf(state), config);
      const logits = await session.forward(new Float32Array(3 * 256).fill(1), 1);
      if (process.argv[1] === 'idle') await new Promise((resolve) => setTimeout(resolve, 200));
      console.log(logits.length);`;
    for (const when of ['at once', 'idle']) {
      const args = ['--input-type=module', '--eval', script, when];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 300_000 });
      expect(stdout).toBe('3\n');
    }
  });
});

describe('a number of threads', () => {
  const { SharedArrayBuffer } = globalThis;
  afterEach(() => {
    globalThis.SharedArrayBuffer = SharedArrayBuffer;
  });

  test.each([0, 1.5, -2, NaN, 1000, 'all'])('must be a count: %p', (threads) => {
    const expected = "an integer from 1 to 256, or 'auto'";
    const got = typeof threads === 'string' ? `"${threads}"` : String(threads);
    const create = () => createWasmBackend({ threads: threads as number });
    expect(create).toThrow(refusal(ParamError, 'threads', expected, got));
  });

  test.each([
    { cores: 3, threads: 2, count: 2 },
    { cores: 3, threads: 3, count: 3 },
    { cores: 3, threads: 256, count: 3 },
    { cores: 3, threads: 'auto', count: 3 },
    { cores: 1000, threads: 'auto', count: 256 },
    // A browser that hides the number.
    { cores: 0, threads: 2, count: 1 },
  ] as const)('is limited by the cores: $threads of $cores', ({ cores, threads, count }) => {
    jest.spyOn(platform, 'parallelism').mockReturnValue(cores);
    expect(threadCount(threads)).toBe(count);
  });

  test('is told by info if it is limited', async () => {
    jest.spyOn(platform, 'parallelism').mockReturnValue(2);
    const workers = await workersOf(async () => {
      const model = await Model.open(state, config, createWasmBackend({ threads: 64 }));
      expect(model.info['threads']).toBe(2);
      model.dispose();
      // A plan may be for another machine.
      expect(memoryPlan(config, { threads: 64 }).scratch).toBe(64 * memoryPlan(config).scratch);
    });
    expect(workers).toHaveLength(1);
    await endOf(workers);
  });

  test('above one is an error without shared memory', async () => {
    delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer;
    const opening = createWasmBackend({ threads: 2 }).open(streamOf(state), config);
    await expect(opening).rejects.toThrow(BackendUnavailableError);
    await expect(createWasmBackend({ threads: 2 }).open(streamOf(state), config)).rejects.toThrow(
      'threads: expected a runtime with shared memory, got a runtime without SharedArrayBuffer',
    );
    expect(threadCount('auto')).toBe(1);
    const session = await createWasmBackend({ threads: 1 }).open(streamOf(state), config);
    expect(await session.forward(new Float32Array(size), 1)).toHaveLength(config.num_classes);
  });

  test("'auto' is one thread if no worker starts", async () => {
    const broken = jest.spyOn(platform, 'startWorker').mockImplementation(() => {
      throw new Error('not permitted');
    });
    try {
      const backend = createWasmBackend({ threads: 'auto' });
      const session = await backend.open(streamOf(state), config);
      expect(session.info.threads).toBe(1);
      expect(await session.forward(new Float32Array(size), 1)).toHaveLength(config.num_classes);
      await expect(createWasmBackend({ threads: 2 }).open(streamOf(state), config)).rejects.toThrow(
        'threads: expected a runtime that starts workers, got not permitted',
      );
    } finally {
      broken.mockRestore();
    }
  });

  test("'auto' is the number of workers that start; a fixed number is refused if one does not start", async () => {
    const start = platform.startWorker;
    const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(3);
    let started = 0;
    const broken = jest.spyOn(platform, 'startWorker').mockImplementation((script, data, onEnd) =>
      // Every second worker fails.
      start(++started % 2 === 0 ? "throw new Error('blocked')" : script, data, onEnd),
    );
    try {
      const session = await createWasmBackend({ threads: 'auto' }).open(streamOf(state), config);
      expect(session.info.threads).toBe(2);
      expect(await session.forward(new Float32Array(size), 1)).toHaveLength(config.num_classes);
      session.dispose();
      const workers = await workersOf(async () => {
        const unavailable = refusal(BackendUnavailableError, 'threads', 'a runtime that starts workers', 'blocked');
        await expect(createWasmBackend({ threads: 3 }).open(streamOf(state), config)).rejects.toThrow(unavailable);
      });
      expect(workers).toHaveLength(2);
      await endOf(workers);
    } finally {
      broken.mockRestore();
      cores.mockRestore();
    }
  });

  test("'auto' is the number of the machine's cores", () => {
    expect(threadCount('auto')).toBeGreaterThanOrEqual(1);
  });
});
