import { afterAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { lock } from '../../src/io/lock.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

/** Another process, which does nothing. */
const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
afterAll(() => {
  other.kill('SIGKILL');
});

test('says who has it, keeps others out as long as that one lives, and is removed', async () => {
  const release = await lock(path('lock'), 'trains here');
  expect(await readFile(path('lock'), 'utf8')).toBe(`${process.pid}\n`);
  await release();
  await writeFile(path('lock'), `${other.pid}\n`);
  await expect(lock(path('lock'), 'trains here')).rejects.toThrow(
    refusal(ParamError, path('lock'), 'nobody else who trains here', `process ${other.pid}; if that does something`),
  );
  expect(await readFile(path('lock'), 'utf8')).toBe(`${other.pid}\n`);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const again = await lock(path('lock'), 'trains here');
  expect(await readFile(path('lock'), 'utf8')).toBe(`${process.pid}\n`);
  await again();
  expect(await readdir(path())).toEqual([]);
});

test.each([
  ['our own number, as in containers', `${process.pid}\n`],
  ['nothing, as after a power cut', ''],
  ['no number', 'x'],
])('of a process that is gone and left %s, is taken over', async (_, text) => {
  await writeFile(path('lock'), text);
  const release = await lock(path('lock'), 'trains here');
  expect(await readFile(path('lock'), 'utf8')).toBe(`${process.pid}\n`);
  await release();
});

test('where no file can be made, says so', async () => {
  await expect(lock(path('no', 'lock'), 'trains here')).rejects.toThrow(
    refusal(ParamError, path('no', 'lock'), 'a file to write', 'no such file or folder'),
  );
});
