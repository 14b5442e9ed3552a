/** Training in a runtime without threads: `auto` uses one thread, with the same bits; a larger number is an error. */
import { platform } from '#runtime';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { BackendUnavailableError } from '../../../src/core/errors.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import type { Threads } from '../../../src/wasm/team.js';
import { refusal } from '../../io/refusal.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';
import { NETWORKS, trainConfig } from './chain.js';

const [{ sizes, n }] = NETWORKS;
const config = trainConfig(sizes);
const x = draw([n, config.in_chans, ...config.input_size], uniform(21)).data;
const targets = new Float32Array(n * config.num_classes).fill(1 / config.num_classes);

const open = (threads: Threads): Promise<TrainingSession> =>
  TrainingSession.open(drawState(config), config, { batchSize: n, build: 'plain', threads });

/** The number of threads that a choice resolves to, and the state after one step. */
async function trained(threads: Threads): Promise<{ threads: number; state: StateDict }> {
  const session = await open(threads);
  try {
    session.pass(x, targets, 0.5);
    session.optimize({ kind: 'adam', lr: 1e-2 });
    return { threads: session.info.threads, state: session.state() };
  } finally {
    session.dispose();
  }
}

const one = await trained(1);

test('auto uses the threads of the machine', async () => {
  const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(3);
  try {
    expect(await trained('auto')).toEqual({ ...one, threads: 3 });
  } finally {
    cores.mockRestore();
  }
});

describe('without shared memory', () => {
  const { SharedArrayBuffer } = globalThis;
  afterEach(() => {
    globalThis.SharedArrayBuffer = SharedArrayBuffer;
  });

  test('auto is one thread, and two are an error', async () => {
    delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer;
    expect(await trained('auto')).toEqual(one);
    const unavailable = refusal(BackendUnavailableError, 'threads', 'a runtime with shared memory', 'without');
    await expect(open(2)).rejects.toThrow(unavailable);
  });
});

test('if no worker starts, auto is one thread, and two are an error', async () => {
  const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(3);
  const broken = jest.spyOn(platform, 'startWorker').mockImplementation(() => {
    throw new Error('not permitted');
  });
  try {
    expect(await trained('auto')).toEqual(one);
    expect(broken).toHaveBeenCalledTimes(1);
    const unavailable = refusal(BackendUnavailableError, 'threads', 'a runtime that starts workers', 'not permitted');
    await expect(open(2)).rejects.toThrow(unavailable);
  } finally {
    broken.mockRestore();
    cores.mockRestore();
  }
});

test('if a worker does not start, auto uses the others, and two are an error', async () => {
  const start = platform.startWorker;
  const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(2);
  const broken = jest
    .spyOn(platform, 'startWorker')
    .mockImplementation((_script, data, onEnd) => start("throw new Error('blocked')", data, onEnd));
  try {
    expect(await trained('auto')).toEqual(one);
    const unavailable = refusal(BackendUnavailableError, 'threads', 'a runtime that starts workers', 'blocked');
    await expect(open(2)).rejects.toThrow(unavailable);
  } finally {
    broken.mockRestore();
    cores.mockRestore();
  }
});
