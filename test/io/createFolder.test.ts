import { expect, test } from '@jest/globals';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { createFolder, removeFolders } from '../../src/io/createFolder.js';
import { linuxTest, posixTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
const onPosix = posixTest('links');
const onLinux = linuxTest('/proc');

test('creates the folders that are missing, and returns them', async () => {
  const created = await createFolder(path('a', 'b', 'c'));
  expect(created).toEqual([path('a'), path('a', 'b'), path('a', 'b', 'c')]);
  expect(await createFolder(path('a', 'b', 'd'))).toEqual([path('a', 'b', 'd')]);
  expect(await createFolder(path('a', 'b', 'd'))).toEqual([]);
  expect((await readdir(path('a', 'b'))).sort()).toEqual(['c', 'd']);
});

test('removes what it created, but nothing that is used', async () => {
  const created = await createFolder(path('used', 'b', 'c'));
  await writeFile(path('used', 'x'), '');
  await removeFolders(created);
  expect(await readdir(path('used'))).toEqual(['x']);
});

test('several at once create one folder', async () => {
  const lists = await Promise.all(Array.from({ length: 20 }, () => createFolder(path('many', 'x', 'y'))));
  expect(lists.flat().sort()).toEqual([path('many'), path('many', 'x'), path('many', 'x', 'y')]);
});

test.each([
  ['a file in its place', ['file']],
  ['a file above it', ['file', 'a', 'b']],
])('refuses %s', async (_, parts) => {
  await writeFile(path('file'), '');
  await expect(createFolder(path(...parts), 'a folder for the run')).rejects.toThrow(
    refusal(ParamError, path(...parts), 'a folder for the run', `a file: ${path('file')}`),
  );
});

onPosix('follows links to folders, and refuses loops and links to nothing', async () => {
  await mkdir(path('real'));
  await symlink(path('real'), path('link'));
  expect(await createFolder(path('link', 'in'))).toEqual([path('link', 'in')]);
  expect(await readdir(path('real'))).toEqual(['in']);
  await symlink(path('loop'), path('loop'));
  await symlink(path('nowhere'), path('dangling'));
  const got = (name: string, text: string) =>
    expect(createFolder(path(name, 'x'))).rejects.toThrow(refusal(ParamError, path(name, 'x'), 'a folder', text));
  await got('loop', 'a loop of links');
  await got('dangling', `a link to nothing: ${path('dangling')}`);
});

test('refuses names that no system takes', async () => {
  await expect(createFolder(path('x'.repeat(5000)))).rejects.toThrow(ParamError);
  await expect(createFolder('a\0b')).rejects.toThrow(refusal(ParamError, 'a', 'a folder', 'a null character'));
});

onLinux('ends in a folder that takes none', async () => {
  await expect(createFolder('/proc/vanillanet/run', 'a folder for the run')).rejects.toThrow(
    refusal(ParamError, '/proc/vanillanet/run', 'a folder for the run', 'a place that takes no folders: /proc'),
  );
});

linuxTest('/sys')('names the reason of the system if it is another', async () => {
  await expect(createFolder('/sys/vanillanet')).rejects.toMatchObject({
    op: '/sys/vanillanet',
    got: expect.stringMatching(/^(no permission|a read-only disk)$/),
  });
});
