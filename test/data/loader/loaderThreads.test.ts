/** Threads that end unexpectedly. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { DataError, LoaderError } from '../../../src/core/errors.js';
import { startThreads, type Job, type ThreadData } from '../../../src/data/loader/loaderThreads.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const job: Job = { number: 0, slot: 0, epoch: 0, step: 0, positions: new Int32Array(0) };

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  ['process.exit(3)', 'a thread that ended with code 3'],
  ["throw new RangeError('too large')", 'a thread that failed: too large'],
])('reports a thread that runs %s, now and later', async (script, got) => {
  await writeFile(
    path('thread.mjs'),
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', () => { ${script}; });\n`,
  );
  const threads = startThreads(path('thread.mjs'), 1, {} as ThreadData);
  threads.send(job);
  for (let i = 0; i < 2; i++) {
    await expect(threads.wait(0)).rejects.toThrow(refusal(LoaderError, 'loader', 'threads that prepare images', got));
  }
  await threads.stop(new Error('over'));
});

/** Starts a thread that replies to job 0 that it failed, to job 1 that it is done, and to others nothing. */
async function startReplying(): Promise<ReturnType<typeof startThreads>> {
  await writeFile(
    path('replying.mjs'),
    `import { parentPort } from 'node:worker_threads';
    const failure = { op: '1.png', expected: 'a whole image', got: 'half of it' };
    parentPort.on('message', ({ number }) => {
      if (number < 2) parentPort.postMessage(number === 0 ? { number, failure } : { number });
    });`,
  );
  return startThreads(path('replying.mjs'), 1, {} as ThreadData);
}

test('a job that failed before it is waited for is refused then', async () => {
  const threads = await startReplying();
  threads.send(job);
  threads.send({ ...job, number: 1 });
  // The replies come in the order of the jobs.
  await threads.wait(1);
  await expect(threads.wait(0)).rejects.toThrow(refusal(DataError, '1.png', 'a whole image', 'half of it'));
  await threads.stop(new Error('over'));
});

test('a thread keeps the process alive during a wait, and after its end until it has stopped', async () => {
  const [ref, unref] = [jest.spyOn(Worker.prototype, 'ref'), jest.spyOn(Worker.prototype, 'unref')];
  const terminate = jest.spyOn(Worker.prototype, 'terminate');
  const threads = await startReplying();
  expect([ref.mock.calls.length, unref.mock.calls.length]).toEqual([0, 1]);
  threads.send({ ...job, number: 1 });
  await threads.wait(1);
  expect([ref.mock.calls.length, unref.mock.calls.length]).toEqual([1, 2]);
  const wait = threads.wait(2);
  const refused = expect(wait).rejects.toThrow('over');
  await threads.stop(new Error('over'));
  await refused;
  expect([terminate.mock.calls.length, unref.mock.calls.length]).toEqual([1, 2]);
});

test('ends them during a wait in a process that nothing else keeps alive', async () => {
  await writeFile(
    path('silent.mjs'),
    "import { parentPort } from 'node:worker_threads';\nparentPort.on('message', () => {});\n",
  );
  const script = `import { startThreads } from './src/data/loader/loaderThreads.ts';
    const threads = startThreads(${JSON.stringify(path('silent.mjs'))}, 1, {});
    threads.send({ number: 0 });
    const wait = threads.wait(0).catch((error) => error.message);
    await threads.stop(new Error('aborted'));
    console.log(await wait, 'and stopped');`;
  const child = ['--import', './scripts/ts-node.js', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, child);
  expect(stdout).toBe('aborted and stopped\n');
});
