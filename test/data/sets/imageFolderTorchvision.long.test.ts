/** Trees of image folders, listed as torchvision's ImageFolder lists them. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DataError } from '../../../src/core/errors.js';
import { openArchive } from '../../../src/data/sets/archive.js';
import { listImages } from '../../../src/data/sets/imageListing.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('imageFolders.py', import.meta.url));
const TREES = 100;
const path = temporaryFolder();

type Expectation =
  | { readonly error: string }
  | {
      readonly classes: readonly string[];
      readonly class_to_idx: Readonly<Record<string, number>>;
      readonly samples: readonly (readonly [string, number])[];
    };

const title = python === undefined ? 'image folders of torchvision: VANILLANET_PYTHON is not set' : 'image folders';
(python === undefined ? test.skip : test)(title, async () => {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  await promisify(execFile)(python ?? '', [SCRIPT, path(), '23', `${TREES}`], { env });
  const trees = JSON.parse(await readFile(path('expected.json'), 'utf8')) as Expectation[];
  expect(trees).toHaveLength(TREES);
  let refused = 0;
  for (const [i, tree] of trees.entries()) {
    const archive = await openArchive(path(`${i}`));
    if ('error' in tree) {
      refused++;
      // `Found no valid file for the classes a, b. Supported extensions …`
      const [, classes] = /for the classes (.*)\. Supported/.exec(tree.error) ?? [];
      expect(() => listImages(archive, {})).toThrow(DataError);
      expect(() => listImages(archive, {})).toThrow(`none in ${classes}`);
      continue;
    }
    const { classNames, files, labels } = listImages(archive, {});
    expect([i, classNames]).toEqual([i, tree.classes]);
    expect(Object.fromEntries(classNames.map((name, label) => [name, label]))).toEqual(tree.class_to_idx);
    expect(files.map((file, k) => [file, labels[k]])).toEqual(tree.samples);
  }
  expect(refused).toBeGreaterThan(0);
});
