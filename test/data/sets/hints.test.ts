/** What errors of data sets say about the remedy. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { readImageFolder } from '../../../src/data/sets/imageFolder.js';
import { batchOf } from '../../../src/data/sets/batchOf.js';
import { CIFAR10 } from '../../../src/data/sets/cifarLayouts.js';
import { readPickledBatch, readPickledNames, readRecords } from '../../../src/data/sets/cifarBatch.js';
import { readCifar10, readCifar100 } from '../../../src/data/sets/cifar.js';
import { checkSet } from '../../../src/data/sets/checkSet.js';
import { subset, type ImageSet } from '../../../src/data/sets/dataset.js';
import { findCifar10 } from '../../../src/data/sets/find.js';
import { fingerprint } from '../../../src/data/sets/fingerprint.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';
import { splitByClass } from '../../../src/data/sets/splitByClass.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { array, dict, int, list, pickle, str } from './pickleWriter.js';
import { tarOf } from './tarWriter.js';
import { failure } from './failure.js';

const path = temporaryFolder();
const { VANILLANET_DATA } = process.env;
afterEach(() => {
  if (VANILLANET_DATA === undefined) delete process.env.VANILLANET_DATA;
  else process.env.VANILLANET_DATA = VANILLANET_DATA;
});

const set: ImageSet = {
  ...{ images: Uint8Array.from([1, 2, 3, 4]), labels: Int32Array.of(1, 0), n: 2, channels: 1 },
  ...{ height: 2, width: 1, classNames: ['a', 'b'] },
};
const { images: _, ...about } = set;
const SAME_IMAGES = 'Labels, pixels or files, and n must be those of the same images.';

describe('a set in memory', () => {
  test.each<[string, () => unknown, string, string]>([
    [
      'labels',
      () => {
        checkSet('x', { ...set, n: 3 });
      },
      'x: expected 3 labels, one for each image, got 2',
      SAME_IMAGES,
    ],
    [
      'pixels',
      () => {
        checkSet('x', { ...set, height: 1 });
      },
      'x: expected 2 pixels of 2 images, got 4',
      SAME_IMAGES,
    ],
    [
      'files',
      () => {
        checkSet('x', { ...about, files: { root: 'r', names: [] } });
      },
      'x: expected 2 files, one for each image, got 0',
      SAME_IMAGES,
    ],
    [
      'a label',
      () => {
        checkSet('x', { ...set, labels: Int32Array.of(2, 0) });
      },
      'x: expected labels from 0 to 1, got 2 of image 0',
      'Labels are indices into classNames.',
    ],
    [
      'a subset',
      () => subset({ ...set, images: new Uint8Array(2 ** 22), height: 2 ** 21 }, new Int32Array(1025)),
      `subset: expected at most ${2 ** 31} pixels, got ${1025 * 2 ** 21}`,
      'Take fewer images.',
    ],
    [
      'a batch',
      () =>
        batchOf({ ...set, images: new Uint8Array(2 ** 22), height: 2 ** 21 }, new Int32Array(257), {
          mean: [0],
          std: [1],
        }),
      `batchOf: expected at most ${2 ** 29} values, got ${257 * 2 ** 21}`,
      'Take fewer images at a time.',
    ],
    ['a share', () => splitByClass([0, 1], 1, 0), 'valSplit: expected a share in [0, 1), got 1', 'For example 0.1.'],
    [
      'a negative share',
      () => splitByClass([0, 1], -0.1, 0),
      'valSplit: expected a share in [0, 1), got -0.1',
      'For example 0.1.',
    ],
    [
      'shapes',
      () => drawShapes(1025, { size: 2 ** 10, seed: 0 }),
      `drawShapes: expected at most ${2 ** 31} bytes of images, got 1025 of 1024x1024`,
      'Draw fewer or smaller images.',
    ],
    [
      'shapes that are not square',
      () => openDataset('shapes', 'train', { size: [32, 48] }),
      'shapes: expected a square size, got 32x48',
      'Pass a square one (--size 48).',
    ],
  ])('%s', async (_title, call, message, hint) => {
    expect(await failure(call)).toMatchObject({ message, hint });
  });
});

describe('CIFAR', () => {
  const HINT = 'Download the archive again, or write your own batches in the layout of CIFAR.';
  const { labeling } = CIFAR10;
  const pixels = array([1, 3072], new Uint8Array(3072));
  const batch = (content: Readonly<Record<string, number[]>>) => () =>
    readPickledBatch(pickle(dict(content)), labeling, 'b');

  test.each<[string, () => unknown, string]>([
    [
      'a label',
      batch({ data: pixels, labels: list([int(10)]) }),
      'b: labels: expected labels from 0 to 9, got 10 in record 0',
    ],
    [
      'a negative label',
      batch({ data: pixels, labels: list([int(-1)]) }),
      'b: labels: expected labels from 0 to 9, got -1 in record 0',
    ],
    [
      'text as a label',
      batch({ data: pixels, labels: list([str('1')]) }),
      'b: labels: expected labels from 0 to 9, got no number in record 0',
    ],
    [
      'a truth value as a label',
      batch({ data: pixels, labels: list([[0x88]]) }),
      'b: labels: expected labels from 0 to 9, got no number in record 0',
    ],
    [
      'three dimensions',
      batch({ data: array([1, 3072, 1], new Uint8Array(3072)), labels: list([int(1)]) }),
      'b: expected data [n,3072], got [1,3072,1]',
    ],
    [
      'no labels',
      batch({ data: pixels }),
      'b: expected an array under data, and a list or an array under labels, got the keys data',
    ],
    ['nothing', batch({}), 'b: expected an array under data, and a list or an array under labels, got the keys none'],
    [
      'many keys',
      batch(Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => [key, int(1)]))),
      'b: expected an array under data, and a list or an array under labels, got the keys a, b, c, d, e and 2 more',
    ],
    [
      'another shape',
      batch({ data: array([3072], new Uint8Array(3072)), labels: list([int(1)]) }),
      'b: expected data [n,3072], got [3072]',
    ],
    [
      'images of another size',
      batch({ data: array([1, 3], new Uint8Array(3)), labels: list([int(1)]) }),
      'b: expected data [n,3072], got [1,3]',
    ],
    [
      'no images',
      batch({ data: array([0, 3072], new Uint8Array(0)), labels: list([]) }),
      'b: expected data [n,3072], got [0,3072]',
    ],
    [
      'two labels',
      batch({ data: pixels, labels: list([int(1), int(2)]) }),
      'b: expected 1 labels, one for each image, got 2 under labels',
    ],
    [
      'another type',
      batch({ data: array([1, 3072], new Uint8Array(6144), 'u2'), labels: list([int(1)]) }),
      'b: expected data of uint8 (u1), got u2',
    ],
    ['a list', () => readPickledBatch(pickle(list([])), labeling, 'b'), 'b: expected a dictionary, got another value'],
    [
      'no names',
      () => readPickledNames(pickle(dict({})), labeling, 'b'),
      'b: expected a list under label_names, got none',
    ],
    [
      'half a record',
      () => readRecords(new Uint8Array(3072), labeling, 'b'),
      'b: expected records of 3073 bytes, got 3072 bytes',
    ],
    [
      'no record',
      () => readRecords(new Uint8Array(0), labeling, 'b'),
      'b: expected records of 3073 bytes, got 0 bytes',
    ],
  ])('%s', async (_title, call, message) => {
    expect(await failure(call)).toMatchObject({ name: 'DataError', message, hint: HINT });
  });

  test('another archive, and one without a batch', async () => {
    await writeFile(
      path('other.tar'),
      tarOf(Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, '']))),
    );
    expect(await failure(() => readCifar10(path('other.tar'), 'train'))).toMatchObject({
      message: `${path('other.tar')}: expected batches of CIFAR-10 (data_batch_1 or data_batch_1.bin), got a, b, c, d, e and 1 more`,
      hint: 'Pass the official archive or its folder; vanillanet download gets it.',
    });
    await writeFile(path('none.tar'), tarOf({}));
    expect(await failure(() => readCifar10(path('none.tar'), 'train'))).toMatchObject({ got: 'nothing' });
    await writeFile(path('part.tar'), tarOf({ 'c/data_batch_1.bin': new Uint8Array(3073) }));
    expect(await failure(() => readCifar10(path('part.tar'), 'train'))).toMatchObject({
      message: `${path('part.tar')}: expected a member c/data_batch_2.bin, got none of that name`,
      hint: 'A part of the data set is missing or damaged: download it again.',
    });
    await writeFile(
      path('names.tar'),
      tarOf({ 'c/test_batch.bin': new Uint8Array(3073), 'c/batches.meta.txt': 'a\nb\n' }),
    );
    expect(await failure(() => readCifar10(path('names.tar'), 'test'))).toMatchObject({
      message: `${path('names.tar')}: c/batches.meta.txt: expected 10 class names, got 2`,
      hint: 'A part of the data set is missing or damaged: download it again.',
    });
  });

  test('names of which one is empty, and more names than classes', async () => {
    const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
    const names = (texts: readonly string[]): Uint8Array => pickle(dict({ label_names: list(texts.map(str)) }));
    const records = pickle(dict({ data: pixels, labels: list([int(1)]) }));
    for (const [texts, count] of [
      [[...letters.slice(1), ''], 9],
      [[...letters, ''], 11],
      [[...letters, 'k'], 11],
    ] as const) {
      await writeFile(path('names.tar'), tarOf({ 'c/test_batch': records, 'c/batches.meta': names(texts) }));
      expect(await failure(() => readCifar10(path('names.tar'), 'test'))).toMatchObject({
        message: `${path('names.tar')}: c/batches.meta: expected 10 class names, got ${count}`,
      });
    }
    await writeFile(path('names.tar'), tarOf({ 'c/test_batch': records, 'c/batches.meta': names(letters) }));
    expect(await readCifar10(path('names.tar'), 'test')).toMatchObject({ classNames: letters, n: 1 });
  });

  test('other values than a path and a split', async () => {
    const number = 7 as unknown as string;
    expect(await failure(() => readCifar10(number, 'test'))).toMatchObject({
      message: 'readCifar10: expected a path, got 7',
    });
    expect(await failure(() => readCifar100(number, 'test'))).toMatchObject({
      message: 'readCifar100: expected a path, got 7',
    });
    await writeFile(path('empty.tar'), tarOf({}));
    expect(await failure(() => readCifar10(path('empty.tar'), 'val' as 'test'))).toMatchObject({
      message: "split: expected 'train' or 'test', got \"val\"",
    });
    expect(await failure(() => readImageFolder(number, { size: [1, 1] }))).toMatchObject({
      message: 'readImageFolder: expected the path of a folder or an archive, got 7',
    });
  });

  test('VANILLANET_DATA that leads to no set', async () => {
    process.env.VANILLANET_DATA = path('nowhere');
    expect(await failure(() => findCifar10())).toMatchObject({
      message: `VANILLANET_DATA: expected CIFAR-10, or a folder with it, got ${path('nowhere')}`,
      hint: 'Set VANILLANET_DATA to the archive or the folder that it is in, or unset it.',
    });
  });
});

test('a file that was removed after a set was opened', async () => {
  const files = { root: path(), names: ['1.png', '2.png'], fit: { size: [1, 1] } } as const;
  expect(await failure(() => fingerprint({ ...about, files }))).toMatchObject({
    message: `${path('1.png')}: expected a readable file, got no such file or folder`,
    hint: 'Restore the file, or open the set again.',
  });
});

test('pictures that were left out', async () => {
  await mkdir(path('bad', 'cat'), { recursive: true });
  await writeFile(path('bad', 'cat', '1.png'), 'text');
  expect(await failure(() => readImageFolder(path('bad'), { size: [1, 1], onBadImage: 'skip' }))).toMatchObject({
    message: `${path('bad')}: expected at least half of the images readable, got 1 unreadable ones of 1 (cat/1.png: text that begins with "text")`,
    hint: 'Is it the right folder? If so, copy it again.',
  });
});
