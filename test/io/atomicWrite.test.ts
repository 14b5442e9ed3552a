import { expect, test } from '@jest/globals';
import { mkdir, open, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { atomicWrite, removeLeftovers } from '../../src/io/atomicWrite.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

test('writes bytes and text over an existing file and leaves no other file', async () => {
  await mkdir(path('a'));
  await atomicWrite(path('a', 'file'), 'grüße');
  expect(await readFile(path('a', 'file'), 'utf8')).toBe('grüße');
  await atomicWrite(path('a', 'file'), new Uint8Array([1, 2, 3]));
  expect([...(await readFile(path('a', 'file')))]).toEqual([1, 2, 3]);
  expect(await readdir(path('a'))).toEqual(['file']);
});

test('an open handle of the old file still reads the old content', async () => {
  await writeFile(path('old'), 'old');
  const reader = await open(path('old'));
  await atomicWrite(path('old'), 'new');
  expect(await reader.readFile('utf8')).toBe('old');
  await reader.close();
});

test('writes to the target of a symbolic link, which remains a link', async () => {
  await mkdir(path('l'));
  await writeFile(path('l', 'target'), 'old');
  await symlink('target', path('l', 'link'));
  await atomicWrite(path('l', 'link'), 'new');
  expect(await readlink(path('l', 'link'))).toBe('target');
  expect(await readFile(path('l', 'target'), 'utf8')).toBe('new');
});

test('refuses a folder, a device and a missing folder, and leaves no file behind', async () => {
  await mkdir(path('b', 'folder'), { recursive: true });
  const write = (...to: string[]): Promise<void> => atomicWrite(path('b', ...to), 'x');
  await expect(write('folder')).rejects.toThrow(refusal(ParamError, path('b', 'folder'), 'a file', 'a folder'));
  await expect(write('no', 'file')).rejects.toThrow(refusal(ParamError, 'file', 'a file', 'no such file or folder'));
  await expect(atomicWrite('/dev/null', 'x')).rejects.toThrow(refusal(ParamError, '/dev/null', 'a file', 'a device'));
  expect(await readdir(path('b'))).toEqual(['folder']);
  expect(await readdir(path('b', 'folder'))).toEqual([]);
});

test('a failed write leaves no temporary file and does not change the target', async () => {
  await mkdir(path('c'));
  await writeFile(path('c', 'file'), 'old');
  // Node refuses this content when it is written, after the temporary file was opened.
  await expect(atomicWrite(path('c', 'file'), {} as Uint8Array)).rejects.toThrow(
    refusal(ParamError, path('c', 'file'), 'a file to write', 'argument'),
  );
  expect(await readdir(path('c'))).toEqual(['file']);
  expect(await readFile(path('c', 'file'), 'utf8')).toBe('old');
});

test('removeLeftovers removes temporary files of ended processes and of this one, but not of other running ones', async () => {
  await mkdir(path('d'));
  const [endedPid, runningPid] = [2 ** 22 + 1, process.ppid];
  const names = [
    `.file.${endedPid}.1.tmp`,
    `.file.${process.pid}.7.tmp`,
    `.file.${runningPid}.1.tmp`,
    '.file.tmp',
    'file',
  ];
  for (const name of names) await writeFile(path('d', name), 'x');
  await removeLeftovers(path('d'));
  expect((await readdir(path('d'))).sort()).toEqual([`.file.${runningPid}.1.tmp`, '.file.tmp', 'file']);
});
