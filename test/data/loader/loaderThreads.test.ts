/** Threads that end unexpectedly. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LoaderError } from '../../../src/core/errors.js';
import { startThreads, type Job, type ThreadData } from '../../../src/data/loader/loaderThreads.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const job: Job = { number: 0, slot: 0, epoch: 0, step: 0, positions: new Int32Array(0) };

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
