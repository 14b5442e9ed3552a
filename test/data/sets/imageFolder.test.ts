import { describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { readImageFolder } from '../../../src/data/sets/imageFolder.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { fit } from '../../../src/image/preprocess.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { tarOf } from './tarWriter.js';

const path = temporaryFolder();

/** A PNG of 3x2 pixels in one color. */
const png = (red: number, green = 0, blue = 0): Promise<Buffer> =>
  sharp({ create: { width: 3, height: 2, channels: 3, background: { r: red, g: green, b: blue } } })
    .png()
    .toBuffer();

/** Writes files by name; a name ending in '/' is an empty folder. */
async function write(root: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path(root, name.endsWith('/') ? name : dirname(name)), { recursive: true });
    if (!name.endsWith('/')) await writeFile(path(root, name), content);
  }
  return path(root);
}

describe('classes by folder', () => {
  test('are sorted, and images are planes', async () => {
    const root = await write('plain', {
      'dog/2.png': await png(20, 21, 22),
      'dog/1.png': await png(10, 11, 12),
      'cat/9.png': await png(90, 91, 92),
      'cat/.DS_Store': 'left behind by the Finder',
      '.git/config/x': 'hidden',
    });
    const set = await readImageFolder(root, { size: [2, 3] });
    const planes = (...values: number[]): number[] => values.flatMap((v) => Array<number>(6).fill(v));
    expect({ ...set, images: [...set.images], labels: [...set.labels] }).toEqual({
      fit: { size: [2, 3], resize: 'short-side', crop_pct: 1, interpolation: 'bicubic' },
      images: planes(90, 91, 92, 10, 11, 12, 20, 21, 22),
      labels: [0, 1, 1],
      n: 3,
      channels: 3,
      height: 2,
      width: 3,
      classNames: ['cat', 'dog'],
      sourceFiles: { root, names: ['cat/9.png', 'dog/1.png', 'dog/2.png'] },
    });
  });

  test('train and test, ignoring other files, from a folder or an archive', async () => {
    const files = {
      'README.md': 'about',
      'train/cat/1.png': await png(1),
      'train/dog/1.png': await png(2),
      'test/dog/1.png': await png(3),
      'test/cat/1.png': await png(4),
      'test/cat/2.png': await png(5),
    };
    const nested = Object.fromEntries(Object.entries(files).map(([name, data]) => [`set/${name}`, data]));
    await writeFile(path('split.tar.gz'), gzipSync(tarOf(nested)));
    for (const root of [await write('split', files), path('split.tar.gz')]) {
      const train = await readImageFolder(root, { size: [1, 1], split: 'train' });
      expect([[...train.labels], [...train.images]]).toEqual([
        [0, 1],
        [1, 0, 0, 2, 0, 0],
      ]);
      const testSet = await readImageFolder(root, { size: [1, 1], split: 'test' });
      expect([[...testSet.labels], testSet.classNames]).toEqual([
        [0, 0, 1],
        ['cat', 'dog'],
      ]);
      await expect(readImageFolder(root, { size: [1, 1] })).rejects.toThrow(
        refusal(DataError, root, 'a split', 'none'),
      );
    }
  });

  test('n images, evenly spaced over the classes', async () => {
    const files: Record<string, Buffer> = {};
    for (const name of ['a', 'b', 'c']) for (let i = 0; i < 9; i++) files[`${name}/${i}.png`] = await png(i);
    const set = await readImageFolder(await write('many', files), { size: [1, 1], n: 6 });
    expect([...set.labels]).toEqual([0, 0, 1, 1, 2, 2]);
    const all = await readImageFolder(path('many'), { size: [1, 1], n: 1000 });
    expect(all.n).toBe(27);
    expect([...all.images].filter((_, i) => i % 3 === 0)).toEqual([0, 1, 2].flatMap(() => [0, 1, 2, 3, 4, 5, 6, 7, 8]));
  });

  test('a class has the same label in both splits, also without images in one of them', async () => {
    const root = await write('uneven', { 'train/cat/1.png': await png(1), 'test/dog/1.png': await png(2) });
    const testSet = await readImageFolder(root, { size: [1, 1], split: 'test' });
    expect([testSet.classNames, ...testSet.labels]).toEqual([['cat', 'dog'], 1]);
  });

  test('classes are sorted by their own names, not by their paths', async () => {
    const root = await write('signs', { 'cat/1.png': await png(1), 'cat-x/1.png': await png(2) });
    const set = await readImageFolder(root, { size: [1, 1] });
    expect([set.classNames, ...set.labels, set.images[0]]).toEqual([['cat', 'cat-x'], 0, 1, 1]);
  });

  test('a class may be named train', async () => {
    const root = await write('traffic', { 'train/1.png': await png(1), 'boat/1.png': await png(2) });
    expect((await readImageFolder(root, { size: [1, 1] })).classNames).toEqual(['boat', 'train']);
  });
});

describe('images of other sizes', () => {
  test('are scaled as by `preprocess`, with crop_pct 1 by default', async () => {
    const width = 90;
    const height = 60;
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 31 + 7 * i) % 256);
    const photograph = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const root = await write('photographs', { 'cat/1.png': photograph });
    for (const options of [{}, { crop_pct: 0.8, interpolation: 'bilinear' }, { resize: 'exact' }] as const) {
      const { images } = await readImageFolder(root, { size: [24, 24], ...options });
      const fitted = fit({ data, width, height }, { size: [24, 24], crop_pct: 1, ...options });
      const planes = [0, 1, 2].flatMap((c) => [...fitted.data].filter((_, i) => i % 3 === c));
      expect([...images]).toEqual(planes);
    }
  });
});

describe('refuses', () => {
  const cases: [string, Record<string, string | null>, string, string, string][] = [
    ['text in a picture', { 'cat/1.png': 'hello' }, 'cat/1.png', 'a PNG, JPEG or WebP', 'text that begins'],
    ['an empty image', { 'cat/1.png': '' }, 'cat/1.png', 'a PNG, JPEG or WebP', 'an empty file'],
    ['an empty folder', { 'nothing/': '' }, 'an empty folder', 'a picture in each class folder', 'none in nothing'],
    ['no folder at all', { './': '' }, 'no folder at all', 'images in a folder for each class', 'no files'],
    ['an empty class', { 'cat/1.png': null, 'dog/': '' }, 'dog/', 'a picture in each class folder', 'none in dog'],
    ['images without a class', { '1.png': null, '2.png': null }, 'without', 'a folder for each class', '1.png'],
    [
      'no test folder',
      { 'train/cat/1.png': null, 'train/dog/1.png': null },
      'no test',
      'class folders in one of test, testing, val, valid, validation',
      'only train/',
    ],
    ['an empty class in test', { 'test/cat/1.png': null, 'test/dog/': '' }, 'test/dog/', '.webp', 'none in dog'],
  ];
  test.each(cases)('%s', async (title, content, op, expected, got) => {
    const image = await png(1);
    const files = Object.fromEntries(Object.entries(content).map(([name, data]) => [name, data ?? image]));
    const root = await write(title, files);
    await expect(readImageFolder(root, { size: [1, 1], split: 'test' })).rejects.toThrow(
      refusal(DataError, op, expected, got),
    );
  });

  test('an invalid size', async () => {
    const root = await write('sized', { 'cat/1.png': await png(1) });
    for (const size of [
      [0, 1],
      [1, 1.5],
      [-1, 4],
    ] as const) {
      await expect(readImageFolder(root, { size })).rejects.toThrow(
        refusal(ParamError, 'size', 'integers >= 1', `[${size.join()}]`),
      );
    }
  });

  test('a size of more pixels than an image may have', async () => {
    const root = await write('sized', { 'cat/1.png': await png(1) });
    await expect(readImageFolder(root, { size: [20_000, 20_000] })).rejects.toMatchObject({
      ...{ name: 'ParamError', op: 'size' },
    });
  });

  test('a missing folder', async () => {
    await expect(readImageFolder(path('nowhere'), { size: [1, 1] })).rejects.toThrow(
      refusal(DataError, path('nowhere'), 'an archive or a folder', 'no such file or folder'),
    );
  });
});

describe('unreadable images', () => {
  const folder = async (name: string, bad: readonly string[]): Promise<string> => {
    const files: Record<string, Buffer | string> = {};
    for (const kind of ['cat', 'dog']) {
      for (let i = 0; i < 3; i++) files[`${kind}/${i}.png`] = await png(10 + i);
    }
    for (const file of bad) files[file] = file.includes('notes') ? 'hello' : (await png(1)).subarray(0, 50);
    return write(name, files);
  };

  test("are left out and listed with 'skip'", async () => {
    const root = await folder('some bad', ['cat/1.png', 'dog/0.png', 'dog/notes.png']);
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number): void => {
      seen.push([done, total]);
    };
    const set = await openDataset(root, 'train', { size: [1, 1], onBadImage: 'skip', onProgress });
    expect([set.n, [...set.labels]]).toEqual([4, [0, 0, 1, 1]]);
    expect([...set.images].filter((_, i) => i % 3 === 0)).toEqual([10, 12, 11, 12]);
    expect(set.skipped?.map(({ file }) => file)).toEqual(['cat/1.png', 'dog/0.png', 'dog/notes.png']);
    expect(set.skipped?.[2].reason).toBe('text that begins with "hello"');
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => [done, 7]));
    await expect(openDataset(root, 'train', { size: [1, 1] })).rejects.toThrow(
      refusal(DataError, `${root}/`, 'image', ''),
    );
  });

  test('are listed in the order of the set, not in that in which they are found', async () => {
    const root = await folder('order', ['dog/notes.png']);
    // It takes longer to find that its pixels end than to refuse a text.
    const data = Uint8Array.from({ length: 3 * 200 * 200 }, (_, i) => (i * i * 31 + 7 * i) % 256);
    const image = await sharp(data, { raw: { width: 200, height: 200, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(path('order', 'cat', '0.png'), image.subarray(0, -5000));
    for (const cache of ['memory', 'none'] as const) {
      const { skipped } = await openDataset(root, 'train', { size: [1, 1], onBadImage: 'skip', cache });
      expect(skipped?.map(({ file }) => file)).toEqual(['cat/0.png', 'dog/notes.png']);
    }
  });

  test('is empty if all images are readable', async () => {
    const set = await readImageFolder(await folder('no bad', []), { size: [1, 1], onBadImage: 'skip' });
    expect([set.n, set.skipped]).toEqual([6, []]);
  });

  test('are refused if they are a whole class, or most of the set', async () => {
    const whole = await folder('class bad', ['cat/0.png', 'cat/1.png', 'cat/2.png']);
    await expect(readImageFolder(whole, { size: [1, 1], onBadImage: 'skip' })).rejects.toThrow(
      refusal(DataError, whole, 'a readable image of each class', 'none of cat (cat/0.png: '),
    );
    const most = await folder('most bad', ['cat/0.png', 'cat/1.png', 'dog/1.png', 'dog/2.png']);
    await expect(readImageFolder(most, { size: [1, 1], onBadImage: 'skip' })).rejects.toThrow(
      refusal(DataError, most, 'at least half of the images', '4 unreadable ones of 6 (cat/0.png: '),
    );
  });

  test('refuses another value of onBadImage', async () => {
    const onBadImage = 'ignore' as 'skip';
    await expect(readImageFolder(await folder('word', []), { size: [1, 1], onBadImage })).rejects.toThrow(
      refusal(ParamError, 'onBadImage', "'fail' or 'skip'", 'ignore'),
    );
  });
});

describe('a set that does not fit into memory', () => {
  test('is refused before an image is read, with a hint at what would fit', async () => {
    const root = await write('large', { 'cat/1.png': 'none', 'cat/2.png': 'none' });
    const large = readImageFolder(root, { size: [20_000, 30_000] });
    await expect(large).rejects.toThrow(refusal(ParamError, root, 'at most 2 GiB of pixels', '3.4 GiB'));
    const some = 'Use 1 images of 20000x30000 (--limit 1), or all 2 at 18918x18918 (--size 18918).';
    await expect(large).rejects.toMatchObject({ hint: expect.stringContaining(some) });
    const larger = readImageFolder(root, { size: [30_000, 30_000] });
    await expect(larger).rejects.toThrow(refusal(ParamError, root, 'at most 2 GiB of pixels', '5.0 GiB'));
    const all = 'Use all 2 at 18918x18918 (--size 18918).';
    await expect(larger).rejects.toMatchObject({ hint: expect.stringContaining(all) });
  });
});

test('an image of the right size is not scaled, unless its border is cropped', async () => {
  const data = Uint8Array.from({ length: 3 * 24 * 24 }, (_, i) => (i * i * 31 + 7 * i) % 256);
  const exact = await sharp(data, { raw: { width: 24, height: 24, channels: 3 } })
    .png()
    .toBuffer();
  const root = await write('exact', { 'cat/1.png': exact });
  for (const options of [{}, { resize: 'exact' }, { crop_pct: 0.75 }] as const) {
    const { images } = await readImageFolder(root, { size: [24, 24], ...options });
    const fitted = fit({ data, width: 24, height: 24 }, { size: [24, 24], crop_pct: 1, ...options });
    expect([...images]).toEqual([0, 1, 2].flatMap((c) => [...fitted.data].filter((_, i) => i % 3 === c)));
  }
});
