import { afterAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../../src/core/errors.js';
import { lock } from '../../src/io/lock.js';
import { startOf } from '../../src/io/processes.js';
import { posixTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
const take = () => lock(path('lock'), 'trains here');
const lockContent = (): Promise<string> => readFile(path('lock'), 'utf8');
const busy = (got: string) => refusal(ParamError, path('lock'), 'no other process that trains here', got);

/** Another process, which is idle. */
const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
afterAll(() => {
  other.kill('SIGKILL');
});

/** The content that a process writes: its number, start time and host. */
const ownerLine = async (pid: number | undefined, host = hostname()): Promise<string> =>
  `${pid} ${(await startOf(pid ?? 0)) ?? '-'} ${host}\n`;

test('a lock names its owner, excludes others, and is removed', async () => {
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  // A second call in the same process is refused too.
  await expect(take()).rejects.toThrow(
    expect.objectContaining({
      got: `process ${process.pid}`,
      hint: 'Remove this file if that process does something else.',
    }),
  );
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
  expect(await readdir(path())).toEqual([]);
});

test.each<[string, () => Promise<string> | string, string]>([
  ['another process', () => ownerLine(other.pid), `process ${other.pid}`],
  ['a process with an unknown start time', () => `${other.pid} - ${hostname()}\n`, `process ${other.pid}`],
  ['a process without a host', () => `${other.pid}\n`, `process ${other.pid}`],
  // Process numbers of another host cannot be checked, not even our own, which other containers use too.
  ['a process on another machine', () => `4194305 77 elsewhere\n`, 'process 4194305 on elsewhere, active '],
  [
    'a process in another container',
    () => ownerLine(process.pid, 'elsewhere'),
    `process ${process.pid} on elsewhere, active `,
  ],
])('a lock of %s is not taken over', async (_, content, got) => {
  const text = await content();
  await writeFile(path('lock'), text);
  await expect(take()).rejects.toThrow(busy(got));
  expect(await lockContent()).toBe(text);
});

test.each<[string, () => string]>([
  ['its number', () => `4194305 77 ${hostname()}\n`],
  ['only its number', () => `4194305\n`],
  ['only a number equal to ours, as in containers', () => `${process.pid}\n`],
  ['an empty file, as after a power failure', () => ''],
  ['text without a number', () => 'x'],
])('a lock of a process that ended and left %s is taken over', async (_, content) => {
  await writeFile(path('lock'), content());
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
  expect(await readdir(path())).toEqual([]);
});

test('a lock of a process whose number another one has now is taken over, if the system reports start times', async () => {
  const text = `${process.pid} 1 ${hostname()}\n`;
  await writeFile(path('lock'), text);
  const outcome = await take().then(
    () => 'taken',
    () => 'refused',
  );
  expect([outcome, await lockContent()]).toEqual(
    process.platform === 'linux' ? ['taken', await ownerLine(process.pid)] : ['refused', text],
  );
});

test('a lock of another machine is taken over after ten minutes without a heartbeat', async () => {
  await writeFile(path('lock'), '12 77 elsewhere\n');
  const past = (seconds: number) => new Date(Date.now() - 1000 * seconds);
  await utimes(path('lock'), past(300), past(300));
  await expect(take()).rejects.toThrow(busy('process 12 on elsewhere, active '));
  await utimes(path('lock'), past(601), past(601));
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
});

test('a lock sends a heartbeat every 30 seconds', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  try {
    const release = await take();
    const epoch = new Date(0);
    await utimes(path('lock'), epoch, epoch);
    jest.advanceTimersByTime(30_000);
    jest.useRealTimers();
    // Wait for the heartbeat; the limit is the timeout of the test.
    while ((await stat(path('lock'))).mtimeMs === 0) await setTimeout(5);
    await release();
  } finally {
    jest.useRealTimers();
  }
});

test('a lock is not touched after another process has taken it over', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  try {
    const release = await take();
    await writeFile(path('lock'), '12 77 elsewhere\n');
    await utimes(path('lock'), new Date(0), new Date(0));
    jest.advanceTimersByTime(30_000);
    jest.useRealTimers();
    await setTimeout(50);
    expect((await stat(path('lock'))).mtimeMs).toBe(0);
    await release();
    expect(await lockContent()).toBe('12 77 elsewhere\n');
    await rm(path('lock'));
  } finally {
    jest.useRealTimers();
  }
});

posixTest('signals')('a lock is removed on a signal that nothing else handles', async () => {
  const program = `
    import { lock } from ${JSON.stringify(new URL('../../dist/src/io/lock.js', import.meta.url).href)};
    await lock(${JSON.stringify(path('lock'))}, 'trains here');
    console.log('locked');
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.once('data', () => child.kill('SIGINT'));
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect([signal, await readdir(path())]).toEqual(['SIGINT', []]);
});

test('a lock of a process that ended is taken over', async () => {
  await writeFile(path('lock'), await ownerLine(other.pid));
  other.kill('SIGKILL');
  await once(other, 'exit');
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
});

test('a lock is refused where no file can be created', async () => {
  await expect(lock(path('no', 'lock'), 'trains here')).rejects.toThrow(
    refusal(ParamError, path('no', 'lock'), 'a file to write', 'no such file or folder'),
  );
});
