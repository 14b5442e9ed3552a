import { afterAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../../src/core/errors.js';
import { lock } from '../../src/io/lock.js';
import { startOf } from '../../src/io/processes.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
const take = () => lock(path('lock'), 'trains here');
const held = (): Promise<string> => readFile(path('lock'), 'utf8');
const busy = (got: string) => refusal(ParamError, path('lock'), 'no other process that trains here', got);

/** Another process, which does nothing. */
const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
afterAll(() => {
  other.kill('SIGKILL');
});

/** As a process writes itself down: its number, its start, its host. */
const written = async (pid: number | undefined, host = hostname()): Promise<string> =>
  `${pid} ${(await startOf(pid ?? 0)) ?? '-'} ${host}\n`;

test('says who has it, keeps others out, and is removed', async () => {
  const release = await take();
  expect(await held()).toBe(await written(process.pid));
  // Another run of this very process is another, too.
  await expect(take()).rejects.toThrow(
    expect.objectContaining({
      got: `process ${process.pid}`,
      hint: 'Remove this file if that process does something else.',
    }),
  );
  expect(await held()).toBe(await written(process.pid));
  await release();
  expect(await readdir(path())).toEqual([]);
});

test.each<[string, () => Promise<string> | string, string]>([
  ['another process', () => written(other.pid), `process ${other.pid}`],
  ['one whose start is not known', () => `${other.pid} - ${hostname()}\n`, `process ${other.pid}`],
  ['one that did not write its host', () => `${other.pid}\n`, `process ${other.pid}`],
  // Whether it is there cannot be asked; not even of our own number, which all containers have.
  ['one on another machine', () => `4194305 77 elsewhere\n`, 'process 4194305 on elsewhere, active '],
  ['one in another container', () => written(process.pid, 'elsewhere'), `process ${process.pid} on elsewhere, active `],
])('of %s, is left alone', async (_, content, got) => {
  const text = await content();
  await writeFile(path('lock'), text);
  await expect(take()).rejects.toThrow(busy(got));
  expect(await held()).toBe(text);
});

test.each<[string, () => string]>([
  ['its number', () => `4194305 77 ${hostname()}\n`],
  ['its number alone', () => `4194305\n`],
  ['our own number alone, as in containers', () => `${process.pid}\n`],
  ['nothing, as after a power cut', () => ''],
  ['no number', () => 'x'],
])('of a process that is gone and left %s, is taken over', async (_, content) => {
  await writeFile(path('lock'), content());
  const release = await take();
  expect(await held()).toBe(await written(process.pid));
  await release();
  expect(await readdir(path())).toEqual([]);
});

test('of a process whose number another has by now, is taken over where the system tells when that began', async () => {
  const text = `${process.pid} 1 ${hostname()}\n`;
  await writeFile(path('lock'), text);
  const outcome = await take().then(
    () => 'taken',
    () => 'refused',
  );
  expect([outcome, await held()]).toEqual(
    process.platform === 'linux' ? ['taken', await written(process.pid)] : ['refused', text],
  );
});

test('of another machine, is taken over when there was no sign of life for ten minutes', async () => {
  await writeFile(path('lock'), '12 77 elsewhere\n');
  const past = (seconds: number) => new Date(Date.now() - 1000 * seconds);
  await utimes(path('lock'), past(300), past(300));
  await expect(take()).rejects.toThrow(busy('process 12 on elsewhere, active '));
  await utimes(path('lock'), past(601), past(601));
  const release = await take();
  expect(await held()).toBe(await written(process.pid));
  await release();
});

test('gives a sign of life every half a minute', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  try {
    const release = await take();
    const long = new Date(0);
    await utimes(path('lock'), long, long);
    jest.advanceTimersByTime(30_000);
    jest.useRealTimers();
    // Until it has come: the test's own patience is the limit.
    while ((await stat(path('lock'))).mtimeMs === 0) await setTimeout(5);
    await release();
  } finally {
    jest.useRealTimers();
  }
});

test('that another took over meanwhile, is let alone', async () => {
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
    expect(await held()).toBe('12 77 elsewhere\n');
    await rm(path('lock'));
  } finally {
    jest.useRealTimers();
  }
});

test('is not left behind by a signal that nobody else hears', async () => {
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

test('of a process that ended, is taken over', async () => {
  await writeFile(path('lock'), await written(other.pid));
  other.kill('SIGKILL');
  await once(other, 'exit');
  const release = await take();
  expect(await held()).toBe(await written(process.pid));
  await release();
});

test('where no file can be made, says so', async () => {
  await expect(lock(path('no', 'lock'), 'trains here')).rejects.toThrow(
    refusal(ParamError, path('no', 'lock'), 'a file to write', 'no such file or folder'),
  );
});
