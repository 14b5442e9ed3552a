/** Streamed images, compared with the same images in memory. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { Draws } from '../../../src/data/augment/draws.js';
import { horizontalFlip } from '../../../src/data/augment/horizontalFlip.js';
import { resizedCropWindow } from '../../../src/data/augment/randomResizedCrop.js';
import { isStreamed, type DataSet } from '../../../src/data/sets/dataset.js';
import { readImage } from '../../../src/data/decode/image.js';
import { openLoader, type Loader, type LoaderOptions } from '../../../src/data/loader/loader.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { loadSubset } from '../../../src/data/sets/loadSubset.js';
import { toPlanes } from '../../../src/data/decode/planar.js';
import { permutation } from '../../../src/data/loader/permutation.js';
import { cut as cutOut } from '../../../src/image/crop.js';
import { resize } from '../../../src/image/resize.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { tarOf } from '../sets/tarWriter.js';
import { collect } from '../collect.js';

const path = temporaryFolder();
const SIZE = [12, 10] as const;
/** All transforms, so that another pixel or another order changes the result. */
const OPTIONS: LoaderOptions = {
  ...{ batchSize: 4, seed: 3, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4], smoothing: 0.1, mixup: 0.5, cutmix: 1 },
  augment: { randomResizedCrop: {}, horizontalFlip: 0.5, rotation: 20, randomErasing: { prob: 0.5, mode: 'pixel' } },
};

/** An image of distinct pixels; every second one is a JPEG, every third one has the requested size. */
async function picture(k: number): Promise<Buffer> {
  const [height, width] = k % 3 === 0 ? SIZE : [9 + k, 31 - k];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7 + 31 * k + i) % 256);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (k % 2 === 0 ? image.png() : image.jpeg()).toBuffer();
}

async function folder(name: string, more: Readonly<Record<string, Uint8Array | string>> = {}): Promise<string> {
  const files: Record<string, Uint8Array | string> = { ...more };
  for (let k = 0; k < 14; k++) files[`${k % 2 === 0 ? 'cat' : 'dog'}/${k}.png`] ??= await picture(k);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(path(name, file)), { recursive: true });
    await writeFile(path(name, file), content);
  }
  return path(name);
}

const open: Loader[] = [];
async function loaderOf(set: DataSet, options: Partial<LoaderOptions> = {}): Promise<Loader> {
  const loader = await openLoader(set, { ...OPTIONS, ...options });
  open.push(loader);
  return loader;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((loader) => loader.dispose()));
});

let root: string;
/** A truncated JPEG. */
let cut: Uint8Array;
beforeAll(async () => {
  root = await folder('pets');
  cut = (await picture(5)).subarray(0, -40);
});

test('yields the same bits with 0, 1 and 2 threads, from any step', async () => {
  const inMemory = await openDataset(root, 'train', { size: SIZE });
  const streamed = await openDataset(root, 'train', { size: SIZE, cache: 'none' });
  expect([isStreamed(inMemory), isStreamed(streamed)]).toEqual([false, true]);
  const want = await collect((await loaderOf(inMemory, { workers: 0 })).epoch(2));
  expect(want).toHaveLength(3);
  for (const workers of [0, 1, 2]) {
    const loader = await loaderOf(streamed, { workers });
    // An abandoned epoch does not affect the next.
    for await (const { labels } of loader.epoch(0)) if (labels.length > 0) break;
    expect(await collect(loader.epoch(2))).toEqual(want);
    expect(await collect(loader.epoch(2, 1))).toEqual(want.slice(1));
  }
  const plain = { shuffle: false, dropLast: false, workers: 1, augment: {} };
  const [all, again] = [await loaderOf(inMemory, { ...plain, workers: 0 }), await loaderOf(streamed, plain)];
  expect(await collect(again.epoch(0))).toEqual(await collect(all.epoch(0)));
  // Whole batches after one of two images.
  const short = await loaderOf(streamed, { ...plain, workers: 0 });
  expect((await collect(short.epoch(0, 3)))[0].labels).toHaveLength(2);
  expect(await collect(short.epoch(0))).toEqual(await collect(all.epoch(0)));
});

describe('random resized crops', () => {
  const augment = { randomResizedCrop: { scale: [0.1, 0.6], interpolation: 'random' }, horizontalFlip: 0.5 } as const;
  const plain = { ...OPTIONS, augment, mixup: 0, cutmix: 0, mean: [0, 0, 0], std: [1, 1, 1] };
  /** The pixels of a batch as bytes. */
  const bytesIn = (x: Float32Array): number[] => Array.from(x, (v) => Math.round(255 * v));

  test('are cut out of the original pictures, like in torchvision, with any number of threads', async () => {
    const set = await openDataset(root, 'train', { size: SIZE, cache: 'none', cropFromOriginal: true });
    if (!isStreamed(set)) throw new Error('not on the disk');
    const order = permutation(set.n, plain.seed, 2).slice(4, 8);
    const want: number[] = [];
    for (const position of order) {
      const picture = await readImage(path('pets', set.files.names[position]));
      const draws = Draws.forImage(plain.seed, 2, position);
      const window = resizedCropWindow([picture.height, picture.width], augment.randomResizedCrop, draws);
      const kernel = draws.bernoulli(0.5) ? 'bilinear' : 'bicubic';
      const crop = resize(cutOut(picture, window), SIZE, kernel);
      const planes = { data: new Uint8Array(crop.data.length), channels: 3, height: SIZE[0], width: SIZE[1] };
      toPlanes(crop.data, planes.data);
      want.push(...(draws.bernoulli(0.5) ? horizontalFlip(planes) : planes).data);
    }
    for (const workers of [0, 1]) {
      const [, second] = await collect((await loaderOf(set, { ...plain, workers })).epoch(2));
      expect(bytesIn(second.x)).toEqual(want);
    }
  });

  test('reach beyond the center crop', async () => {
    // A black square with red on both sides.
    const data = Uint8Array.from({ length: 3 * 10 * 30 }, (_, i) => {
      const x = Math.floor(i / 3) % 30;
      return i % 3 === 0 && (x < 10 || x >= 20) ? 255 : 0;
    });
    const wide = await sharp(data, { raw: { width: 30, height: 10, channels: 3 } })
      .png()
      .toBuffer();
    const folders = await folder('wide', { 'cat/0.png': wide });
    const cats = { size: [10, 10], cache: 'none', n: 1 } as const;
    const reds = async (whole: boolean): Promise<number> => {
      const set = await openDataset(folders, 'train', { ...cats, cropFromOriginal: whole });
      const loader = await loaderOf(set, { ...plain, batchSize: 1, workers: 0, smoothing: 0 });
      let red = 0;
      for (let epoch = 0; epoch < 30; epoch++) {
        for (const { x } of await collect(loader.epoch(epoch))) if (bytesIn(x).some((v) => v > 0)) red++;
      }
      return red;
    };
    expect(await reds(false)).toBe(0);
    expect(await reds(true)).toBeGreaterThan(15);
  });

  test('are cut out of the scaled images in memory, and without cropFromOriginal', async () => {
    const inMemory = await openDataset(root, 'train', { size: SIZE, cropFromOriginal: true });
    const streamed = await openDataset(root, 'train', { size: SIZE, cache: 'none' });
    const want = await collect((await loaderOf(inMemory, { ...plain, workers: 0 })).epoch(0));
    expect(await collect((await loaderOf(streamed, { ...plain, workers: 0 })).epoch(0))).toEqual(want);
  });

  test('without them, cropFromOriginal changes nothing', async () => {
    const streamed = await openDataset(root, 'train', { size: SIZE, cache: 'none', cropFromOriginal: true });
    const inMemory = await openDataset(root, 'train', { size: SIZE });
    const options = { ...plain, augment: { horizontalFlip: 0.5 }, workers: 0 };
    const want = await collect((await loaderOf(inMemory, options)).epoch(0));
    expect(await collect((await loaderOf(streamed, options)).epoch(0))).toEqual(want);
  });
});

test('a subset equals that of the set in memory', async () => {
  const inMemory = await openDataset(root, 'train', { size: SIZE, n: 10 });
  const streamed = await openDataset(root, 'train', { size: SIZE, n: 10, cache: 'none' });
  const { images, ...rest } = await loadSubset(streamed, [7, 0, 3]);
  const { images: want, ...others } = await loadSubset(inMemory, [7, 0, 3]);
  expect(images).toEqual(want);
  expect(rest).toEqual(others);
});

describe('the option cache', () => {
  const LARGE = { size: [8_000, 8_000], cache: 'auto' } as const;

  test('keeps pixels in memory if they fit, and otherwise on disk without decoding', async () => {
    expect(isStreamed(await openDataset(root, 'train', { size: SIZE, cache: 'auto' }))).toBe(false);
    // Crops out of the original pictures require files, unless 'memory' is requested.
    expect(isStreamed(await openDataset(root, 'train', { size: SIZE, cache: 'auto', cropFromOriginal: true }))).toBe(
      true,
    );
    expect(isStreamed(await openDataset(root, 'train', { size: SIZE, cache: 'memory', cropFromOriginal: true }))).toBe(
      false,
    );
    const large = await openDataset(root, 'train', LARGE);
    expect([isStreamed(large), large.n, large.height]).toEqual([true, 14, 8_000]);
    const { cache: _, ...memory } = LARGE;
    const refused = openDataset(root, 'train', memory);
    await expect(refused).rejects.toThrow(refusal(ParamError, root, 'at most 2 GiB of pixels', '2.5 GiB'));
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('--cache none.') });
  });

  test('always keeps the pixels of an archive in memory', async () => {
    await writeFile(path('pets.tar'), tarOf({ 'cat/1.png': await picture(0), 'dog/1.png': await picture(2) }));
    expect(isStreamed(await openDataset(path('pets.tar'), 'train', { size: SIZE, cache: 'none' }))).toBe(false);
    const large = openDataset(path('pets.tar'), 'train', { ...LARGE, size: [25_000, 25_000] });
    await expect(large).rejects.toThrow(refusal(ParamError, 'pets.tar', 'at most 2 GiB of pixels', '3.5 GiB'));
    await expect(large).rejects.toMatchObject({ hint: expect.stringContaining('Or unpack the archive.') });
  });

  test('refuses another value', async () => {
    await expect(openDataset(root, 'train', { cache: 'disk' as 'none' })).rejects.toThrow(
      refusal(ParamError, 'cache', 'one of memory, none, auto', 'disk'),
    );
  });
});

describe('unreadable images', () => {
  const streaming = { size: SIZE, cache: 'none' } as const;

  test('are found when the set is opened if they do not start like an image', async () => {
    for (const [content, got] of [
      ['a thousand words', 'text that begins with'],
      ['', 'an empty file'],
    ] as const) {
      const spoiled = await folder('words', { 'dog/5.png': content });
      await expect(openDataset(spoiled, 'train', streaming)).rejects.toThrow(
        refusal(DataError, 'dog/5.png', 'a PNG, JPEG or WebP', got),
      );
    }
  });

  test.each([0, 1])('are named when their batch is read if they are truncated: %d threads', async (workers) => {
    const spoiled = await folder('cut', { 'dog/5.png': cut });
    const set = await openDataset(spoiled, 'train', streaming);
    const loader = await loaderOf(set, { workers, shuffle: false, batchSize: 1 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { labels } of loader.epoch(0)) seen.push(labels[0]);
    })();
    await expect(reading).rejects.toThrow(refusal(DataError, 'dog/5.png', 'a whole image', ''));
    await expect(reading).rejects.toBeInstanceOf(DataError);
    // All cats come first, then dogs 1, 11, 13 and 3, then the truncated one.
    expect(seen).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(await collect(loader.epoch(0, 12))).toHaveLength(2);
  });

  test("are left out with 'skip', and the rest is the same as in memory", async () => {
    const spoiled = await folder('left out', { 'dog/5.png': cut, 'cat/notes.png': 'hello' });
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number): void => {
      seen.push([done, total]);
    };
    const inMemory = await openDataset(spoiled, 'train', { size: SIZE, onBadImage: 'skip' });
    const streamed = await openDataset(spoiled, 'train', { ...streaming, onBadImage: 'skip', onProgress });
    expect(streamed.skipped?.map(({ file }) => file)).toEqual(['cat/notes.png', 'dog/5.png']);
    expect(inMemory.skipped?.map(({ file }) => file)).toEqual(['cat/notes.png', 'dog/5.png']);
    expect([streamed.n, seen.length, seen[14]]).toEqual([13, 15, [15, 15]]);
    const want = await collect((await loaderOf(inMemory, { workers: 0 })).epoch(1));
    expect(await collect((await loaderOf(streamed, { workers: 0 })).epoch(1))).toEqual(want);
  });

  test('are named if they have been removed', async () => {
    const passing = await folder('passing');
    const set = await openDataset(passing, 'train', streaming);
    await rm(path('passing', 'cat'), { recursive: true });
    const first = (await loaderOf(set, { workers: 0, shuffle: false })).epoch(0)[Symbol.asyncIterator]().next();
    await expect(first).rejects.toThrow(refusal(DataError, 'cat/', 'a readable file', 'no such file'));
  });
});
