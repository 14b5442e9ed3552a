import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { findCifar10, findData, findDefault, isSetName } from '../../../src/data/sets/find.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { tarOf } from './tarWriter.js';

const path = temporaryFolder();
const home = process.cwd();
const { VANILLANET_DATA: before } = process.env;

function setData(value: string | undefined): void {
  if (value === undefined) delete process.env.VANILLANET_DATA;
  else process.env.VANILLANET_DATA = value;
}

/** Ten test images of CIFAR-10; the i-th has pixels i and class i. */
const archive = gzipSync(
  tarOf({
    'cifar-10-batches-bin/test_batch.bin': Uint8Array.from({ length: 30730 }, (_, i) => Math.floor(i / 3073)),
  }),
);

beforeAll(async () => {
  for (const folder of ['work/data', 'shared/data', 'elsewhere', 'empty'])
    await mkdir(path(folder), { recursive: true });
  await writeFile(path('elsewhere/cifar-10-binary.tar.gz'), archive);
});
beforeEach(() => {
  setData(undefined);
});
afterEach(() => {
  process.chdir(home);
  setData(before);
});

describe('finding CIFAR-10', () => {
  test('in the given folders, in data, by its file name', async () => {
    process.chdir(path('work'));
    expect(await findCifar10()).toBeNull();
    await writeFile(path('shared/data/cifar-10-1k-python.tar.gz'), archive);
    await writeFile(path('shared/data/cifar-10-1k-binary.tar.gz'), archive);
    const folders = ['data', join('..', 'shared', 'data')];
    expect(await findCifar10(folders)).toBe(join('..', 'shared', 'data', 'cifar-10-1k-binary.tar.gz'));
    expect(await findCifar10()).toBeNull();
    await writeFile(path('shared/data/cifar-10-python.tar.gz'), archive);
    expect(await findCifar10(folders)).toBe(join('..', 'shared', 'data', 'cifar-10-python.tar.gz'));
    await mkdir(path('work/data/cifar-10-batches-bin'));
    expect(await findCifar10(folders)).toBe(join('data', 'cifar-10-batches-bin'));
    expect(await findCifar10()).toBe(join('data', 'cifar-10-batches-bin'));

    setData(path('elsewhere'));
    expect(await findCifar10()).toBe(path('elsewhere', 'cifar-10-binary.tar.gz'));
    setData(path('elsewhere', 'cifar-10-binary.tar.gz'));
    expect(await findCifar10()).toBe(path('elsewhere', 'cifar-10-binary.tar.gz'));
    setData(path('work/data/cifar-10-batches-bin'));
    expect(await findCifar10()).toBe(path('work/data/cifar-10-batches-bin'));
  });

  test.each(['empty', 'nowhere'])('refuses VANILLANET_DATA with %s', async (name) => {
    setData(path(name));
    await expect(findCifar10()).rejects.toThrow(refusal(DataError, 'VANILLANET_DATA', 'CIFAR-10', path(name)));
  });
});

test('names of sets are no paths', () => {
  expect(['shapes', 'cifar10', 'cifar100'].map(isSetName)).toEqual([true, true, true]);
  expect(['', 'shape', 'cifar', 'cifar10/', './shapes'].map(isSetName)).toEqual(Array(5).fill(false));
});

describe('finding refuses', () => {
  test('values that are no names', async () => {
    const none = null as unknown as string[];
    const number = 7 as unknown as string;
    await expect(findCifar10(none)).rejects.toThrow(refusal(ParamError, 'findCifar10', 'a list of texts', 'null'));
    const expected = 'the name or the path of a data set';
    await expect(findData(number)).rejects.toThrow(refusal(ParamError, 'findData', expected, '7'));
    await expect(openDataset(number, 'train')).rejects.toThrow(refusal(ParamError, 'openDataset', expected, '7'));
  });

  test('a VANILLANET_DATA without any set, with all titles; an empty one is not set', async () => {
    process.chdir(path('empty'));
    setData(path('empty'));
    await expect(findDefault()).rejects.toThrow(
      refusal(DataError, 'VANILLANET_DATA', 'CIFAR-10 or CIFAR-100, or a folder with it', path('empty')),
    );
    setData('');
    expect(await findDefault()).toBeNull();
    await expect(findData('cifar10')).rejects.toMatchObject({ hint: 'Download it: vanillanet download cifar10.' });
  });
});

test('an archive of the same name as an unpacked folder is not taken for one', async () => {
  await mkdir(path('named', 'cifar-10-binary.tar.gz'), { recursive: true });
  // Only the folders of a set may be passed themselves.
  expect(await findCifar10([path('named', 'cifar-10-binary.tar.gz')])).toBeNull();
  expect(await findCifar10([path('nowhere')])).toBeNull();
});

describe('finding by a name', () => {
  beforeAll(async () => {
    for (const folder of ['both/cifar-100-python', 'both/pets/cat', 'there/data/pets', 'there/data/cifar-100-binary'])
      await mkdir(path(folder), { recursive: true });
    await writeFile(path('both/cifar-10-binary.tar.gz'), archive);
  });

  test('at VANILLANET_DATA', async () => {
    process.chdir(path('there'));
    setData(path('both'));
    expect(await findData('cifar10')).toBe(path('both', 'cifar-10-binary.tar.gz'));
    expect(await findData('cifar100')).toBe(path('both', 'cifar-100-python'));
    expect(await findData('pets')).toBe(path('both', 'pets'));
    expect(await findDefault()).toBe(path('both', 'cifar-10-binary.tar.gz'));
    setData(path('both/cifar-10-binary.tar.gz'));
    expect(await findData('cifar10')).toBe(path('both', 'cifar-10-binary.tar.gz'));
    await expect(findData('cifar100')).rejects.toThrow(refusal(DataError, 'VANILLANET_DATA', 'CIFAR-100', 'cifar-10-'));
  });

  test('in data/, but an existing path comes first', async () => {
    process.chdir(path('there'));
    expect(await findData('cifar100')).toBe(join('data', 'cifar-100-binary'));
    expect(await findDefault()).toBe(join('data', 'cifar-100-binary'));
    expect(await findData('data')).toBe(join('data', 'cifar-100-binary'));
    expect(await findData('pets')).toBe(join('data', 'pets'));
    await mkdir(path('there', 'pets'));
    expect(await findData('pets')).toBe('pets');
    await expect(findData('cifar10')).rejects.toThrow(refusal(DataError, 'cifar10', 'CIFAR-10 in data/', 'none'));
    expect(await findData('nowhere')).toBe('nowhere');
  });
});

describe('opening a set by its name', () => {
  test('shapes: a different test set', async () => {
    const train = await openDataset('shapes', 'train', { n: 20, seed: 4, size: [16, 16] });
    expect(train).toEqual(drawShapes(20, { seed: 4, size: 16 }));
    const testSet = await openDataset('shapes', 'test', { n: 20, seed: 4, size: [16, 16] });
    expect(testSet.images).not.toEqual(train.images);
    const wide = openDataset('shapes', 'test', { size: [16, 20] });
    await expect(wide).rejects.toThrow(refusal(ParamError, 'shapes', 'a square size', '16x20'));
  });

  test.each(['elsewhere', 'elsewhere/cifar-10-binary.tar.gz'])('CIFAR-10: %s', async (name) => {
    expect([...(await openDataset(path(name), 'test')).labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const part = await openDataset(path(name), 'test', { n: 5 });
    expect([part.n, ...part.labels]).toEqual([5, 0, 2, 4, 6, 8]);
    expect(part.images.length).toBe(5 * 3072);
    expect(part.images[4 * 3072]).toBe(8);
    const all = await openDataset(path(name), 'test');
    for (const n of [10, 11]) expect(await openDataset(path(name), 'test', { n })).toEqual(all);
    const large = await openDataset(path(name), 'test', { n: 5, size: [64, 48] });
    expect([large.height, large.width, large.images.length]).toEqual([64, 48, 5 * 3 * 64 * 48]);
    // Scaling keeps an image of one color.
    expect(large.images[4 * 3 * 64 * 48]).toBe(8);
    expect(await openDataset(path(name), 'test', { n: 5, size: [64, 48], keepOriginalSize: true })).toEqual(part);
  });

  test('an image folder', async () => {
    await mkdir(path('pets', 'cat'), { recursive: true });
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toFile(path('pets', 'cat', '1.png'));
    const set = await openDataset(path('pets'), 'train', { size: [8, 8] });
    expect([set.n, set.height, set.width, ...set.classNames]).toEqual([1, 8, 8, 'cat']);
  });

  test('refuses a missing path and an empty folder', async () => {
    await expect(openDataset(path('nowhere'), 'train')).rejects.toThrow(
      refusal(DataError, path('nowhere'), '', 'no such'),
    );
    await expect(openDataset(path('empty'), 'train')).rejects.toThrow(
      refusal(DataError, path('empty'), '', 'no files'),
    );
    await expect(openDataset('shapes', 'all' as 'val')).rejects.toThrow(
      refusal(ParamError, 'split', 'one of train, val, test', 'all'),
    );
    const keepOriginalSize = 1 as never;
    await expect(openDataset('shapes', 'train', { keepOriginalSize })).rejects.toThrow(
      refusal(ParamError, 'keepOriginalSize', 'true or false', '1'),
    );
    for (const n of [0, -1, 1.5, NaN]) {
      await expect(openDataset('shapes', 'train', { n })).rejects.toThrow(
        refusal(ParamError, 'n', 'an integer >= 1', `${n}`),
      );
    }
  });
});

test('requireValSplit refuses sets with test images', async () => {
  const options = { valSplit: 0.5, requireValSplit: true };
  const archivePath = path('elsewhere/cifar-10-binary.tar.gz');
  for (const [spec, name] of [
    ['shapes', 'shapes'],
    [archivePath, archivePath],
  ]) {
    await expect(openDataset(spec, 'val', options)).rejects.toMatchObject({
      ...{ op: 'valSplit', got: `the test images of ${name}` },
    });
    expect((await openDataset(spec, 'val', { ...options, requireValSplit: false, n: 1 })).n).toBe(1);
  }
  await expect(openDataset(path('empty'), 'train', options)).rejects.toThrow(
    refusal(DataError, path('empty'), '', 'no files'),
  );
});
