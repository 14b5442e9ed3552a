/** Finds libtensorflow in folders, and puts it into the package. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { layOut } from '../../scripts/tfjsNode/layout.js';
import { findLibtensorflow } from '../../scripts/tfjsNode/libtensorflow.js';
import { posixTest } from '../platform.js';
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

test('a missing file is named', async () => {
  const FRAMEWORK = 'lib/libtensorflow_framework.so.2';
  await expect(findLibtensorflow(join(scratch(), 'gone'))).rejects.toMatchObject({ got: 'no such folder' });
  await expect(findLibtensorflow(folderOf(FRAMEWORK))).rejects.toMatchObject({ expected: HEADER });
  await expect(findLibtensorflow(folderOf(HEADER))).rejects.toMatchObject({ expected: FRAMEWORK });
  const expected = 'lib/libtensorflow_cc.so.2 or lib/libtensorflow.so.2';
  await expect(findLibtensorflow(folderOf(HEADER, FRAMEWORK))).rejects.toMatchObject({ expected });
});

test('libraries for another machine or system are refused', async () => {
  const folder = folderOf(HEADER, 'lib/libtensorflow_framework.so.2');
  file(join(folder, 'lib/libtensorflow.so.2'), library(OTHER));
  const got = process.arch === 'arm64' ? 'x64' : 'arm64';
  await expect(findLibtensorflow(folder)).rejects.toMatchObject({ expected: `libraries for ${process.arch}`, got });
  file(join(folder, 'lib/libtensorflow.so.2'), 'not an ELF file');
  await expect(findLibtensorflow(folder)).rejects.toMatchObject({ got: 'a file that is not a Linux library' });
});

describe.each(['move', 'link'] as const)('%s', (placement) => {
  posixTest('links')('the linker and the loader find the libraries', async () => {
    const folder = folderOf(HEADER, 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', '../nvidia/cudnn/lib/x');
    const files = await findLibtensorflow(folder);
    const original = realpathSync(files.library);
    const target = scratch();
    await layOut(files, target, placement);
    const lib = join(target, 'deps/lib');
    const linked = realpathSync(join(lib, 'libtensorflow.so'));
    expect(linked).toBe(placement === 'move' ? realpathSync(join(lib, 'libtensorflow_cc.so.2')) : original);
    expect(existsSync(files.library)).toBe(placement === 'link');
    expect(lstatSync(join(lib, 'libtensorflow_cc.so.2')).isSymbolicLink()).toBe(placement === 'link');
    expect(readlinkSync(join(lib, 'libtensorflow_framework.so'))).toBe('libtensorflow_framework.so.2');
    // The libraries of the wheel look for CUDA here.
    expect(existsSync(join(lib, '../nvidia/cudnn/lib/x'))).toBe(true);
  });
});
