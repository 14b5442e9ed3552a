/** Threads beyond those of the machine, and threads that were lost. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { availableParallelism } from 'node:os';
import { platform } from '#runtime';
import { noteThreads, openBackend } from '../../src/cli/backends.js';
import { noteLostThreads } from '../../src/cli/bench.js';
import { selectTrainer } from '../../src/cli/trainingBackend.js';

const CORES = availableParallelism();
const USED = CORES === 1 ? 'one, which is what this machine runs' : `${CORES}, as many as this machine runs`;
let stderr = '';

beforeEach(() => {
  stderr = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('more threads than cores are said to be capped', () => {
  noteThreads(256);
  expect(stderr).toBe(`--threads 256: using ${USED} at the same time\n`);
});

test.each([
  [1, 'one, which is what this machine runs'],
  [3, '3, as many as this machine runs'],
])('with %d cores, the line says so', (cores, what) => {
  jest.spyOn(platform, 'parallelism').mockReturnValue(cores);
  noteThreads(4);
  noteThreads(cores);
  expect(stderr).toBe(`--threads 4: using ${what} at the same time\n`);
});

test.each(['auto' as const, 1, CORES])('%j threads need no line', (threads) => {
  noteThreads(threads);
  expect(stderr).toBe('');
});

test('inference and training say so, the reference has no threads', async () => {
  const options = { threads: 255, build: 'plain' } as const;
  await openBackend({ ...options, backend: 'reference' });
  await selectTrainer({ ...options, backend: 'reference' });
  expect(stderr).toBe('');
  await openBackend({ ...options, backend: 'wasm' });
  await selectTrainer({ ...options, backend: 'wasm' });
  expect(stderr).toBe(`--threads 255: using ${USED} at the same time\n`.repeat(2));
});

test('the benchmark says once which numbers of threads have lost some', () => {
  const running = (threads: number) => ({ info: { threads } });
  noteLostThreads([
    { model: running(4), threads: 4 },
    { model: running(3), threads: 8 },
    { model: running(3), threads: 8 },
    { model: { info: {} }, threads: 1 },
  ]);
  expect(stderr).toBe('8 threads: 5 lost, times are of fewer\n');
});
