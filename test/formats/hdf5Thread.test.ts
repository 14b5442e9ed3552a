/** The thread that reads HDF5: its time limit, its errors, and what it does with the bytes that it needs. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { BackendUnavailableError, WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { RandomAccess } from '../../src/formats/foreignFile.js';
import { Hdf5Thread } from '../../src/formats/hdf5/hdf5Thread.js';
import type { Request } from '../../src/formats/hdf5/messages.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const FILE = bytesAccess('net.h5', Uint8Array.of(10, 11, 12, 13));
const OPEN: Request = { kind: 'open', size: 4 };
const READ: Request = { kind: 'read', path: '/x', start: [0], count: [1], size: 1 };

/** Answers to requests, in place of the library. @param body handles `request` by `post`, and by `need` for bytes */
const scriptOf = (body: string, first = "post({ kind: 'ready' });"): string => `
  import { parentPort, workerData } from 'node:worker_threads';
  const post = (reply) => parentPort.postMessage(reply);
  const { state, bytes } = workerData;
  const need = (offset, length) => {
    Atomics.store(state, 0, 0);
    post({ kind: 'need', offset, length });
    Atomics.wait(state, 0, 0);
    return state[1] < 0 ? null : bytes.slice(0, state[1]);
  };
  parentPort.on('message', (request) => { ${body} });
  ${first}
`;

const threads: Hdf5Thread[] = [];

async function start(body: string, first?: string, file: RandomAccess = FILE): Promise<Hdf5Thread> {
  const script = path(`${threads.length}.mjs`);
  await writeFile(script, scriptOf(body, first));
  const thread = await Hdf5Thread.start(file, { script });
  threads.push(thread);
  return thread;
}

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(threads.map((thread) => thread.stop()));
});

/** Time passes only by `pass`. */
const stopClock = (): void => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask'] });
};

/** Lets all messages arrive that were sent before, and promises settle. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Lets time pass, and what follows happen. @returns whether the promise is settled */
async function isSettledAfter(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  jest.advanceTimersByTime(milliseconds);
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < 3; i++) await turn();
  return isSettled;
}

const LATE = refusal(WeightsError, 'net.h5', 'a file that is read within 4 s', 'one that takes longer');

describe('the time limit', () => {
  test('stops a thread that computes for 4 seconds, with a typed error', async () => {
    const thread = await start('for (;;);');
    stopClock();
    const reply = thread.ask(FILE, OPEN);
    await turn();
    expect(await isSettledAfter(3999, reply)).toBe(false);
    expect(thread.isStopped).toBe(false);
    expect(await isSettledAfter(1, reply)).toBe(true);
    await expect(reply).rejects.toThrow(LATE);
    await expect(reply).rejects.toMatchObject({ hint: expect.stringContaining('model.save_weights("net.h5")') });
    expect(thread.isStopped).toBe(true);
    await expect(thread.ask(FILE, READ)).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'an open file', 'a closed one'),
    );
  });

  test('does not count the time of reading the file', async () => {
    const thread = await start("post({ kind: 'objects', objects: [...need(1, 2)] });");
    stopClock();
    let giveBytes = (): void => undefined;
    const arrival = new Promise<void>((resolve) => {
      giveBytes = resolve;
    });
    let isAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const slow: RandomAccess = {
      ...FILE,
      async read(offset, length) {
        isAsked();
        await arrival;
        return FILE.read(offset, length);
      },
    };
    const reply = thread.ask(slow, OPEN);
    await asked;
    expect(await isSettledAfter(60_000, reply)).toBe(false);
    giveBytes();
    expect(await reply).toEqual({ kind: 'objects', objects: [11, 12] });
  });

  test('counts all requests of a file together, and a second more for 16 MiB of values', async () => {
    const thread = await start(
      `if (request.path !== '/late') {
        const bytes = new Uint8Array(request.kind === 'read' ? 2 ** 20 : 0);
        post(request.kind === 'read' ? { kind: 'block', bytes } : { kind: 'objects', objects: [] });
      }`,
    );
    stopClock();
    const ask = async (request: Request, milliseconds: number): Promise<unknown> => {
      const reply = thread.ask(FILE, request);
      // The request is sent, and its answer not received yet.
      for (let i = 0; i < 3; i++) await Promise.resolve();
      jest.advanceTimersByTime(milliseconds);
      return reply;
    };
    await ask(OPEN, 1000);
    await ask(READ, 2000);
    // 4000 - 1000 - 2000 + 1000 / 16 = 1062.5
    const late = thread.ask(FILE, { ...READ, path: '/late' });
    await turn();
    expect(await isSettledAfter(1061, late)).toBe(false);
    expect(await isSettledAfter(2, late)).toBe(true);
    await expect(late).rejects.toThrow(LATE);
  });

  test('begins anew with the next file', async () => {
    const thread = await start("if (request.size > 0) post({ kind: 'objects', objects: [] });");
    stopClock();
    for (let i = 0; i < 3; i++) {
      const reply = thread.ask(FILE, OPEN);
      for (let j = 0; j < 3; j++) await Promise.resolve();
      jest.advanceTimersByTime(3000);
      expect(await reply).toEqual({ kind: 'objects', objects: [] });
    }
  });
});

describe('errors', () => {
  test('a missing package names the command that installs it', async () => {
    const missing = start('', "post({ kind: 'missing', reason: 'none installed' });");
    await expect(missing).rejects.toThrow(
      refusal(BackendUnavailableError, 'net.h5', 'the package h5wasm, which reads HDF5', 'none installed'),
    );
    await expect(missing).rejects.toMatchObject({ hint: 'Install it beside vanillanet: npm install h5wasm.' });
  });

  test('a refusal of the library is one of the file, and the thread goes on', async () => {
    const thread = await start(
      "post(request.size === 4 ? { kind: 'refused', expected: 'good', got: 'bad' } : { kind: 'closed' });",
    );
    await expect(thread.ask(FILE, OPEN)).rejects.toThrow(refusal(WeightsError, 'net.h5', 'good', 'bad'));
    expect(thread.isStopped).toBe(false);
    expect(await thread.ask(FILE, { kind: 'close' })).toEqual({ kind: 'closed' });
  });

  test.each([
    ['an error', "throw new Error('out of bounds');", 'one with which the library ends: out of bounds'],
    ['an exit', 'process.exit(0);', 'one with which the library ends'],
  ])('%s of the library ends the thread', async (_, body, got) => {
    const thread = await start(body);
    await expect(thread.ask(FILE, OPEN)).rejects.toThrow(refusal(WeightsError, 'net.h5', 'an intact HDF5 file', got));
    expect(thread.isStopped).toBe(true);
  });

  test('a file that cannot be read is reported by its own error', async () => {
    const thread = await start("need(3, 2); post({ kind: 'refused', expected: 'bytes', got: 'none' });");
    await expect(thread.ask(FILE, OPEN)).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'at least 5 bytes', '4 bytes'),
    );
  });
});

test('requests are answered one after the other', async () => {
  const thread = await start(
    "const [byte] = need(request.start[0], 1); post({ kind: 'block', bytes: Uint8Array.of(byte) });",
  );
  const replies = [3, 0, 2].map((at) => thread.ask(FILE, { ...READ, start: [at] }));
  expect(await Promise.all(replies)).toEqual(
    [13, 10, 12].map((byte) => ({ kind: 'block', bytes: Uint8Array.of(byte) })),
  );
});
