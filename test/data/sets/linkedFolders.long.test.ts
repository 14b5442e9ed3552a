/** Image folders with links, in archives and unpacked, listed and read as torchvision's ImageFolder does. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openArchive } from '../../../src/data/sets/archive.js';
import { listImages } from '../../../src/data/sets/imageListing.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('linkedFolders.py', import.meta.url));
const TREES = 60;
const path = temporaryFolder();

interface Expectation {
  /** The folder of the classes in the archive. */
  readonly root: string;
  readonly classes: readonly string[];
  /** File, label and content. */
  readonly samples: readonly (readonly [string, number, string | null])[];
}

const title = python === undefined ? 'links in image folders: VANILLANET_PYTHON is not set' : 'links in image folders';
(python === undefined ? test.skip : test)(title, async () => {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  await promisify(execFile)(python ?? '', [SCRIPT, path(), '7', `${TREES}`], { env });
  const trees = JSON.parse(await readFile(path('expected.json'), 'utf8')) as Expectation[];
  expect(trees).toHaveLength(TREES);
  expect(trees.some(({ classes }) => classes.some((name) => name.startsWith('link')))).toBe(true);
  for (const [i, { root, classes, samples }] of trees.entries()) {
    for (const location of [`${i}.tar`, `${i}`]) {
      const archive = await openArchive(path(location));
      const { classNames, files, labels } = listImages(archive, {});
      expect([location, classNames]).toEqual([location, classes]);
      const contents = await Promise.all(
        files.map((file) => archive.read(file).then((bytes) => new TextDecoder().decode(bytes))),
      );
      const prefix = root === '.' ? '' : `${root}/`;
      expect([location, files.map((file, k) => [file, labels[k], contents[k]])]).toEqual([
        location,
        samples.map(([file, label, content]) => [prefix + file, label, content]),
      ]);
    }
  }
});
