/** Folders that are, or are not, a libtensorflow; and how one is laid out for the package. */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { layOut } from '../../scripts/tfjsNode/layout.js';
import { findLibtensorflow } from '../../scripts/tfjsNode/libtensorflow.js';
import { file, library, OTHER, OWN, removeScratch, scratch } from './scratch.js';

afterAll(removeScratch);

const HEADER = 'include/tensorflow/c/eager/c_api.h';

/** A folder with these files in it. */
function folderOf(...names: readonly string[]): string {
  const folder = join(scratch(), 'tensorflow');
  for (const name of names) file(join(folder, name), library(OWN));
  return folder;
}

test('the archive of the C library and the folder of site-packages are found', async () => {
  const archive = folderOf(HEADER, 'lib/libtensorflow.so.2', 'lib/libtensorflow_framework.so.2');
  expect(await findLibtensorflow(archive)).toEqual({
    include: join(archive, 'include'),
    library: join(archive, 'lib/libtensorflow.so.2'),
    framework: join(archive, 'lib/libtensorflow_framework.so.2'),
  });
  const site = folderOf(HEADER, 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', '../nvidia/cudnn/lib/x');
  expect(await findLibtensorflow(site)).toEqual({
    include: join(site, 'include'),
    library: join(site, 'libtensorflow_cc.so.2'),
    framework: join(site, 'libtensorflow_framework.so.2'),
    nvidia: join(site, '../nvidia'),
  });
});

test('a folder that lacks something is told what', async () => {
  const FRAMEWORK = 'lib/libtensorflow_framework.so.2';
  await expect(findLibtensorflow(join(scratch(), 'gone'))).rejects.toMatchObject({ got: 'nothing of that name' });
  await expect(findLibtensorflow(folderOf(FRAMEWORK))).rejects.toMatchObject({ expected: HEADER });
  await expect(findLibtensorflow(folderOf(HEADER))).rejects.toMatchObject({ expected: FRAMEWORK });
  const expected = 'lib/libtensorflow_cc.so.2 or lib/libtensorflow.so.2';
  await expect(findLibtensorflow(folderOf(HEADER, FRAMEWORK))).rejects.toMatchObject({ expected });
});

test('libraries of another machine, or of no Linux, are refused', async () => {
  const folder = folderOf(HEADER, 'lib/libtensorflow_framework.so.2');
  file(join(folder, 'lib/libtensorflow.so.2'), library(OTHER));
  const got = process.arch === 'arm64' ? 'x64' : 'arm64';
  await expect(findLibtensorflow(folder)).rejects.toMatchObject({ expected: `libraries for ${process.arch}`, got });
  file(join(folder, 'lib/libtensorflow.so.2'), 'of another system, as text shows');
  await expect(findLibtensorflow(folder)).rejects.toMatchObject({ got: 'no library of Linux' });
});

test.each(['move', 'link'] as const)('%s: the linker and the loader find the libraries', async (bring) => {
  const folder = folderOf(HEADER, 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', '../nvidia/cudnn/lib/x');
  const found = await findLibtensorflow(folder);
  const original = realpathSync(found.library);
  const target = scratch();
  await layOut(found, target, bring);
  const lib = join(target, 'deps/lib');
  const bound = realpathSync(join(lib, 'libtensorflow.so'));
  expect(bound).toBe(bring === 'move' ? realpathSync(join(lib, 'libtensorflow_cc.so.2')) : original);
  expect(existsSync(found.library)).toBe(bring === 'link');
  expect(lstatSync(join(lib, 'libtensorflow_cc.so.2')).isSymbolicLink()).toBe(bring === 'link');
  expect(readlinkSync(join(lib, 'libtensorflow_framework.so'))).toBe('libtensorflow_framework.so.2');
  // Where the wheel's own libraries look for it.
  expect(existsSync(join(lib, '../nvidia/cudnn/lib/x'))).toBe(true);
});
