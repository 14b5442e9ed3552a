import { expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { isStreamed, type FolderSplit } from '../../../src/data/sets/dataset.js';
import { permutation } from '../../../src/data/loader/permutation.js';
import { splitByClass } from '../../../src/data/sets/splitByClass.js';
import { openDataset, type OpenDatasetOptions } from '../../../src/data/sets/open.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();

/** Writes a gray image of one pixel for each name; the k-th has value k. */
async function write(root: string, names: readonly string[]): Promise<string> {
  for (const [k, name] of names.entries()) {
    await mkdir(dirname(path(root, name)), { recursive: true });
    const image = sharp(Uint8Array.of(k, k, k), { raw: { width: 1, height: 1, channels: 3 } });
    await writeFile(path(root, name), await image.png().toBuffer());
  }
  return path(root);
}

/** The gray values, labels, splitSource and class names of a split. */
async function openSplit(root: string, split: FolderSplit, options: OpenDatasetOptions = {}) {
  const { images, labels, splitSource, classNames } = await openDataset(root, split, { size: [1, 1], ...options });
  return { grays: [...images].filter((_, i) => i % 3 === 0), labels: [...labels], splitSource, classNames };
}

test('holds out the share of each class; the same seed yields the same images', () => {
  const sizes = [1, 2, 4, 10, 35, 1000];
  const labels = sizes.flatMap((n, label) => Array<number>(n).fill(label));
  const countsOf = (isHeldOut: readonly boolean[]): number[] =>
    sizes.map((_, label) => isHeldOut.filter((value, i) => value && labels[i] === label).length);
  expect(countsOf(splitByClass(labels, 0.1, 7))).toEqual([0, 1, 1, 1, 4, 100]);
  expect(countsOf(splitByClass(labels, 0.9, 7))).toEqual([0, 1, 3, 9, 32, 900]);
  expect(countsOf(splitByClass(labels, 0, 7))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(splitByClass(labels, 0.1, 7)).toEqual(splitByClass(labels, 0.1, 7));
  expect(splitByClass(labels, 0.1, 8)).not.toEqual(splitByClass(labels, 0.1, 7));
  // Each class has its own random choice, which is not just its first images.
  const isHeldOut = splitByClass([...Array<number>(50).fill(0), ...Array<number>(50).fill(1)], 0.2, 0);
  expect(isHeldOut.slice(50)).not.toEqual(isHeldOut.slice(0, 50));
  expect(isHeldOut.slice(0, 10)).not.toEqual(Array<boolean>(10).fill(true));
  for (const share of [1, -0.1, NaN]) {
    expect(() => splitByClass(labels, share, 0)).toThrow(refusal(ParamError, 'valSplit', 'in [0, 1)', `${share}`));
  }
});

test('each class has a random stream after those of the shuffles of 2^29 epochs', () => {
  const heldOut = splitByClass(
    Array.from({ length: 60 }, (_, i) => i % 3),
    0.2,
    7,
  );
  for (const label of [0, 1, 2]) {
    const chosen = permutation(20, 7, 2 ** 29 + label).slice(0, 4);
    const positions = heldOut.flatMap((value, i) => (value && i % 3 === label ? [i] : []));
    expect(positions).toEqual(Array.from(chosen, (k) => 3 * k + label).sort((a, b) => a - b));
  }
});

const NAMES = ['cat', 'dog'].flatMap((name) => Array.from({ length: 10 }, (_, i) => `${name}/${i}.png`));
const ALL = Array.from({ length: 20 }, (_, k) => k);

test('a folder without splits is divided into disjoint parts; n applies to each', async () => {
  const root = await write('plain', NAMES);
  for (const split of ['train', 'test', 'val'] as const) {
    expect(await openSplit(root, split)).toMatchObject({ grays: ALL, splitSource: 'whole' });
  }
  const train = await openSplit(root, 'train', { valSplit: 0.2, seed: 5 });
  const heldOut = await openSplit(root, 'val', { valSplit: 0.2, seed: 5 });
  expect(await openSplit(root, 'test', { valSplit: 0.2, seed: 5 })).toEqual(heldOut);
  expect([train.splitSource, heldOut.splitSource, heldOut.labels]).toEqual(['drawn', 'drawn', [0, 0, 1, 1]]);
  expect([...train.grays, ...heldOut.grays].sort((a, b) => a - b)).toEqual(ALL);
  expect(train.grays.map((gray) => Math.floor(gray / 10))).toEqual(train.labels);
  expect((await openSplit(root, 'val', { valSplit: 0.2, seed: 6 })).grays).not.toEqual(heldOut.grays);
  expect((await openSplit(root, 'val', { valSplit: 0.2, seed: 5, n: 2 })).grays).toEqual([
    heldOut.grays[0],
    heldOut.grays[2],
  ]);
  expect((await openSplit(root, 'train', { valSplit: 0 })).grays).toEqual(ALL);
  expect((await openSplit(root, 'val', { valSplit: 0 })).grays).toEqual([]);
  const streamed = await openDataset(root, 'val', { size: [1, 1], valSplit: 0.2, seed: 5, cache: 'none' });
  expect(isStreamed(streamed) && streamed.files.names.map((name) => NAMES.indexOf(name))).toEqual(heldOut.grays);
});

test('a folder with only train is divided with valSplit', async () => {
  const root = await write(
    'only train',
    NAMES.map((name) => `train/${name}`),
  );
  expect((await openSplit(root, 'train')).grays).toEqual(ALL);
  await expect(openSplit(root, 'val')).rejects.toThrow(
    refusal(DataError, root, 'class folders in one of val, valid, validation, test, testing', 'only train/'),
  );
  const train = await openSplit(root, 'train', { valSplit: 0.3 });
  const heldOut = await openSplit(root, 'val', { valSplit: 0.3 });
  expect([heldOut.labels.length, heldOut.splitSource]).toEqual([6, 'drawn']);
  expect([...train.grays, ...heldOut.grays].sort((a, b) => a - b)).toEqual(ALL);
});

test.each(['test', 'val', 'valid', 'validation'])('a folder with train and %s is not divided', async (name) => {
  const root = await write(`with ${name}`, ['train/cat/1.png', 'train/dog/1.png', `${name}/dog/1.png`]);
  for (const options of [{}, { valSplit: 0.5 }]) {
    const train = await openSplit(root, 'train', options);
    expect(train).toEqual({ grays: [0, 1], labels: [0, 1], splitSource: undefined, classNames: ['cat', 'dog'] });
    const heldOut = await openSplit(root, 'val', options);
    expect(heldOut).toEqual({ grays: [2], labels: [1], splitSource: undefined, classNames: ['cat', 'dog'] });
    expect(await openSplit(root, 'test', options)).toEqual(heldOut);
  }
});

test('a folder with val and test has both', async () => {
  const root = await write('three', ['train/cat/1.png', 'val/cat/1.png', 'test/cat/1.png']);
  expect((await openSplit(root, 'val')).grays).toEqual([1]);
  expect((await openSplit(root, 'test')).grays).toEqual([2]);
});
