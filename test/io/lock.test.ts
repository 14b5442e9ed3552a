import { afterAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../../src/core/errors.js';
import { lock } from '../../src/io/lock.js';
import { isAlive, processScope, startOf } from '../../src/io/processes.js';
import { linuxTest, posixTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
const onLinux = linuxTest('start times and states of processes');
const take = () => lock(path('lock'), 'trains here');
const lockContent = (): Promise<string> => readFile(path('lock'), 'utf8');
const busy = (got: string) => refusal(ParamError, path('lock'), 'no other process that trains here', got);

/** Another process, which is idle. */
const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
afterAll(() => {
  other.kill('SIGKILL');
});

/** The content that a process writes: its number, start time, scope and host. */
async function ownerLine(pid: number | undefined, host = hostname(), scope?: string): Promise<string> {
  const ownScope = scope ?? (await processScope());
  return `${pid} ${(await startOf(pid ?? 0)) ?? '-'} ${ownScope === null ? '' : `${ownScope} `}${host}\n`;
}

const BOOT = '01234567-89ab-cdef-0123-456789abcdef';
const thisBoot = async (): Promise<string> => ((await processScope()) ?? `${BOOT}/1`).split('/')[0];

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
  [
    'a process with an unknown start time, as of earlier versions',
    () => `${other.pid} - ${hostname()}\n`,
    `process ${other.pid}`,
  ],
  ['a process without a host', () => `${other.pid}\n`, `process ${other.pid}`],
  ['a process without the end of the line', () => `${other.pid}`, `process ${other.pid}`],
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
  const taking = take();
  await expect(taking).rejects.toThrow(busy(got));
  const condition = got.includes('elsewhere') ? 'that process has ended' : 'that process does something else';
  await expect(taking).rejects.toMatchObject({ hint: `Remove this file if ${condition}.` });
  expect(await lockContent()).toBe(text);
});

test('a lock whose process writes its content late is not taken over', async () => {
  await writeFile(path('lock'), '');
  const text = await ownerLine(other.pid);
  const taking = take();
  // Timers expire in their order, so this one precedes the second reading of the file.
  const writing = setTimeout(60).then(() => {
    writeFileSync(path('lock'), text);
  });
  await expect(taking).rejects.toThrow(busy(`process ${other.pid}`));
  await writing;
  expect(await lockContent()).toBe(text);
  await rm(path('lock'));
});

test.each<[string, () => string]>([
  ['its number', () => `4194305 77 ${hostname()}\n`],
  ['only its number', () => `4194305\n`],
  ['only a number equal to ours, as in containers', () => `${process.pid}\n`],
  ['an empty file, as after a power failure', () => ''],
  ['text without a number', () => 'x'],
  ['text before a number', () => `x${other.pid}\n`],
  ['text after a line', () => `${other.pid} - ${hostname()}\nx`],
])('a lock of a process that ended and left %s is taken over', async (_, content) => {
  await writeFile(path('lock'), content());
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
  expect(await readdir(path())).toEqual([]);
});

test.each([
  ['', (): Promise<string> => Promise.resolve(`${process.pid} 1 ${hostname()}\n`)],
  [
    ' of this boot',
    async (): Promise<string> => `${process.pid} 1 ${(await processScope()) ?? `${BOOT}/1`} ${hostname()}\n`,
  ],
])(
  'a lock%s of a process whose number another one has now is taken over, if start times are known',
  async (_, content) => {
    const text = await content();
    await writeFile(path('lock'), text);
    const outcome = await take().then(
      () => 'taken',
      () => 'refused',
    );
    expect([outcome, await lockContent()]).toEqual(
      process.platform === 'linux' ? ['taken', await ownerLine(process.pid)] : ['refused', text],
    );
    await rm(path('lock'));
  },
);

onLinux('in another container of the same name, a lock is not taken over before ten minutes', async () => {
  const text = await ownerLine(4194305, hostname(), `${await thisBoot()}/1`);
  await writeFile(path('lock'), text);
  await expect(take()).rejects.toThrow(
    busy('process 4194305 in another container or on another machine of the same name, active 0 s ago'),
  );
  expect(await lockContent()).toBe(text);
  const past = new Date(Date.now() - 601_000);
  await utimes(path('lock'), past, past);
  await (
    await take()
  )();
});

onLinux('a lock from before this boot is taken over if its last heartbeat is older', async () => {
  await writeFile(path('lock'), await ownerLine(process.pid, hostname(), `${BOOT}/1`));
  // A machine of the same name that still runs.
  await expect(take()).rejects.toThrow(busy(`process ${process.pid} in another container or on another machine`));
  const boot = new Date(Date.now() - 1000 * Math.min(uptime() + 1, 601));
  await utimes(path('lock'), boot, boot);
  const release = await take();
  expect(await lockContent()).toBe(await ownerLine(process.pid));
  await release();
});

onLinux(
  'a lock of a zombie is taken over: a process that was killed, and that its parent has not waited for',
  async () => {
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [output] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(output.toString());
      await writeFile(path('lock'), await ownerLine(pid));
      await expect(take()).rejects.toThrow(busy(`process ${pid}`));
      process.kill(pid, 'SIGKILL');
      // `sleep`, which the shell has become, never waits. The limit is the timeout of the test.
      while (await isAlive(pid)) await setTimeout(5);
      expect(process.kill(pid, 0)).toBe(true);
      await (
        await take()
      )();
    } finally {
      parent.kill('SIGKILL');
    }
  },
);

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
  await expect(lock(path('no', 'lock'), 'trains here')).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
});

test('a lock knows whose its file is', async () => {
  const own = await take();
  expect(await own.owner()).toBe('self');
  await rm(path('lock'));
  expect(await own.owner()).toBe('none');
  await writeFile(path('lock'), 'another\n');
  expect(await own.owner()).toBe('other');
  await rm(path('lock'));
  await mkdir(path('lock'));
  // What cannot be read says nothing.
  expect(await own.owner()).toBe('self');
  await own();
});
