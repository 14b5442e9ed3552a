/** Batches that numpy and pickle write, with labels of every kind that torchvision takes. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readCifar10 } from '../../../src/data/sets/cifar.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('batches.py', import.meta.url));
const path = temporaryFolder();

const title = python === undefined ? 'batches of numpy: VANILLANET_PYTHON is not set' : 'batches of numpy';
(python === undefined ? test.skip : test)(title, async () => {
  await promisify(execFile)(python ?? '', [SCRIPT, path()]);
  const folders = await readdir(path());
  expect(folders).toHaveLength(13 * 4);
  for (const folder of folders) {
    const { images, labels } = await readCifar10(path(folder), 'test');
    expect([folder, [...labels]]).toEqual([folder, [3, 0, 9]]);
    expect(images.every((value, i) => value === (7 * i + 3) % 256)).toBe(true);
  }
});
