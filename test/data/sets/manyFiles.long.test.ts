/** Image folders of many files: ImageNet has 1.28 million. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { closeSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive } from '../../../src/data/sets/archive.js';

/** More than a call takes arguments. */
const COUNT = 150_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'many-'));
  await mkdir(join(folder, 'train', 'cat'), { recursive: true });
  for (let i = 0; i < COUNT; i++) closeSync(openSync(join(folder, 'train', 'cat', `${i}.png`), 'w'));
});
afterAll(() => rm(folder, { recursive: true }));

test(`a folder of ${COUNT} files is listed`, async () => {
  const { names } = await openArchive(folder);
  expect(names).toHaveLength(COUNT + 2);
});
