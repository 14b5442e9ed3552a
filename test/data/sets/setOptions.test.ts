/** Options of image folders, limits of memory, and images that are left out. */
import { describe, expect, test } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import type { ImageSet, LabeledImages, StreamedSet } from '../../../src/data/sets/dataset.js';
import { FolderWalk, MAX_PATHS } from '../../../src/data/sets/folderWalk.js';
import { checkFolderOptions } from '../../../src/data/sets/imageFolderOptions.js';
import { checkMemory, fitsMemory } from '../../../src/data/sets/memory.js';
import { remainingFit } from '../../../src/data/sets/remainingFit.js';
import { scaleSet } from '../../../src/data/sets/scaleSet.js';
import { checkSkipped, forEachImage } from '../../../src/data/sets/skippedImages.js';
import { fit, resolveFit } from '../../../src/image/preprocess.js';

describe('options of image folders', () => {
  test('are accepted at the ends of their ranges', () => {
    checkFolderOptions({});
    checkFolderOptions({ valSplit: 0, seed: 0, n: 1, cache: 'memory', onBadImage: 'fail', split: 'train' });
    checkFolderOptions({ valSplit: 0.999, seed: 2 ** 32 - 1, n: 7, cache: 'none', onBadImage: 'skip', split: 'val' });
    checkFolderOptions({ cache: 'auto', split: 'test', cropFromOriginal: true, onProgress: () => undefined });
    checkFolderOptions({ size: 7, crop_pct: 7, resize: 7, interpolation: 7 });
    checkFolderOptions({ more: 1 }, ['more']);
  });

  test.each<[unknown, string]>([
    [null, 'options: expected an object, got null'],
    [{ onBadImage: 'ignore' }, "onBadImage: expected 'fail' or 'skip', got \"ignore\""],
    [{ onProgress: 1 }, 'onProgress: expected a function, got 1'],
    [{ split: 'all' }, 'split: expected one of train, val, test, got "all"'],
    [{ valSplit: 1 }, 'valSplit: expected a share in [0, 1), got 1'],
    [{ valSplit: -0.1 }, 'valSplit: expected a share in [0, 1), got -0.1'],
    [{ seed: -1 }, 'seed: expected an integer in [0, 4294967295], got -1'],
    [{ seed: 2 ** 32 }, 'seed: expected an integer in [0, 4294967295], got 4294967296'],
    [{ n: 0 }, 'n: expected an integer >= 1, got 0'],
    [{ cache: 'disk' }, 'cache: expected one of memory, none, auto, got "disk"'],
    [{ cropFromOriginal: 1 }, 'cropFromOriginal: expected true or false, got 1'],
    [{ requireValSplit: 1 }, 'requireValSplit: expected true or false, got 1'],
    [{ exifOrientation: 1 }, 'exifOrientation: expected true or false, got 1'],
    [{ checkFiles: 1 }, 'checkFiles: expected true or false, got 1'],
  ])('%j is refused', (options, message) => {
    expect(() => {
      checkFolderOptions(options);
    }).toThrow(expect.objectContaining({ name: 'ParamError', message }));
  });

  test('there are no more keys by default', () => {
    expect(() => {
      checkFolderOptions({ valsplit: 0.1 });
    }).toThrow(
      expect.objectContaining({
        expected: expect.stringMatching(/, cropFromOriginal, requireValSplit, exifOrientation, checkFiles$/),
      }),
    );
  });

  test('an unknown key is named with the nearest, and all others', () => {
    expect(() => {
      checkFolderOptions({ valsplit: 0.1 }, ['more']);
    }).toThrow(
      expect.objectContaining({
        op: 'valsplit',
        expected:
          'one of the keys size, crop_pct, resize, interpolation, onBadImage, onProgress, split, valSplit, seed, n, ' +
          'cache, cropFromOriginal, requireValSplit, exifOrientation, checkFiles, more',
        hint: 'Did you mean valSplit?',
      }),
    );
  });
});

describe('memory of a set', () => {
  test('is at most 2 GiB', () => {
    expect(fitsMemory(2 ** 31 / 3 / 2 ** 10, [32, 32])).toBe(true);
    expect(fitsMemory(Math.floor(2 ** 31 / 3 / 2 ** 10), [32, 32])).toBe(true);
    expect(fitsMemory(Math.ceil(2 ** 31 / 3 / 2 ** 10), [32, 32])).toBe(false);
    expect(() => {
      checkMemory('x', 1, [2 ** 10, 2 ** 10]);
    }).not.toThrow();
  });

  test.each<[number, [number, number], string | undefined, string, string]>([
    [
      1e6,
      [224, 224],
      undefined,
      '1000000 images of 224x224: 140.2 GiB',
      'Use 14266 images of 224x224 (--limit 14266), or all 1000000 at 26x26 (--size 26).',
    ],
    [
      1e6,
      [224, 224],
      'Or wait.',
      '1000000 images of 224x224: 140.2 GiB',
      'Use 14266 images of 224x224 (--limit 14266), or all 1000000 at 26x26 (--size 26). Or wait.',
    ],
    [1, [30_000, 40_000], undefined, '1 images of 30000x40000: 3.4 GiB', 'Use all 1 at 26754x26754 (--size 26754).'],
    [
      2 ** 30,
      [1, 8],
      undefined,
      '1073741824 images of 1x8: 24.0 GiB',
      'Use 89478485 images of 1x8 (--limit 89478485).',
    ],
  ])('%d of %j is refused with what would fit', (n, size, alternative, got, hint) => {
    expect(() => {
      checkMemory('set', n, size, alternative);
    }).toThrow(expect.objectContaining({ message: `set: expected at most 2 GiB of pixels, got ${got}`, hint }));
  });
});

const set: ImageSet = {
  ...{
    images: Uint8Array.from({ length: 2 * 3 * 4 * 6 }, (_, i) => (i * 37) % 256),
    labels: Int32Array.of(1, 0),
    n: 2,
  },
  ...{ channels: 3, height: 4, width: 6, classNames: ['a', 'b'] },
};

test('scaling a set is `fit` of each image', () => {
  const options = resolveFit({ size: [2, 3], crop_pct: 1, resize: 'exact', interpolation: 'bilinear' });
  const scaled = scaleSet(set, options);
  expect([scaled.height, scaled.width, scaled.n, scaled.images.length]).toEqual([2, 3, 2, 36]);
  expect(scaled.fit).toEqual(options);
  for (const k of [0, 1]) {
    const planes = set.images.subarray(72 * k, 72 * k + 72);
    const pixels = Uint8Array.from({ length: 72 }, (_, i) => planes[24 * (i % 3) + Math.floor(i / 3)]);
    const { data } = fit({ data: pixels, height: 4, width: 6 }, options);
    const expected = Uint8Array.from({ length: 18 }, (_, i) => data[3 * (i % 6) + Math.floor(i / 6)]);
    expect(scaled.images.subarray(18 * k, 18 * k + 18)).toEqual(expected);
  }
  expect(scaleSet(set, resolveFit({ size: [4, 6], crop_pct: 1, resize: 'exact' }))).toBe(set);
  expect(() => scaleSet(set, { ...options, size: [30_000, 30_000] })).toThrow(
    expect.objectContaining({ op: 'size', expected: 'at most 2 GiB of pixels' }),
  );
});

describe('what remains to be prepared', () => {
  const config = { input_size: [8, 8], crop_pct: 0.875, interpolation: 'bicubic' } as const;
  const applied = { size: [8, 8], crop_pct: 0.875, resize: 'short-side', interpolation: 'bicubic' } as const;
  const { images: _, ...about } = set;
  const streamed = (fitted: object): StreamedSet => ({
    ...about,
    files: { root: 'r', names: [], fit: fitted as typeof applied },
  });

  test('is all of the configuration for original images, and nothing for others', () => {
    expect(remainingFit(set, config, 'x')).toEqual(applied);
    expect(remainingFit({ ...set, fit: applied }, config, 'x')).toBeNull();
    expect(remainingFit(streamed(applied), config, 'x')).toBeNull();
    expect(remainingFit({ ...set, channels: 1, fit: { size: [1, 1] } }, config, 'x')).toBeNull();
  });

  test.each([
    [{ crop_pct: 1 }, '8x8, crop_pct 1, bicubic'],
    [{ size: [8, 9] as const }, '8x9, crop_pct 0.875, bicubic'],
    [{ size: [9, 8] as const }, '9x8, crop_pct 0.875, bicubic'],
    [{ interpolation: 'bilinear' as const }, '8x8, crop_pct 0.875, bilinear'],
    [{ resize: 'exact' as const }, '8x8, resized exactly, bicubic'],
  ])('is refused for images that were prepared with %j', (more, got) => {
    for (const other of [{ ...set, fit: { ...applied, ...more } }, streamed({ ...applied, ...more })]) {
      expect(() => remainingFit(other, config, 'x')).toThrow(
        expect.objectContaining({
          message: `x: expected images prepared as the configuration says: 8x8, crop_pct 0.875, bicubic, got ${got}`,
          hint: 'Open it with { ...fitOptions(config) }, or change the configuration.',
        }),
      );
    }
  });
});

describe('images that are left out', () => {
  const bad = (got: string) => new DataError({ op: 'x', expected: 'y', got });

  test('are those whose error is a DataError, by index', async () => {
    const seen: string[] = [];
    const work = (file: string, i: number): Promise<void> =>
      i % 2 === 0 ? Promise.resolve() : Promise.reject(bad(`${file}!`));
    const onProgress = (done: number, total: number): void => void seen.push(`${done}/${total}`);
    const skipped = await forEachImage(['a', 'b', 'c'], { onBadImage: 'skip', onProgress }, work);
    expect([...skipped]).toEqual([[1, { file: 'b', reason: 'b!' }]]);
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
    await expect(forEachImage(['a', 'b'], {}, work)).rejects.toThrow('b!');
    await expect(forEachImage(['a', 'b'], { onBadImage: 'fail' }, work)).rejects.toThrow('b!');
    const broken = (): Promise<void> => Promise.reject(new RangeError('a bug'));
    await expect(forEachImage(['a'], { onBadImage: 'skip' }, broken)).rejects.toThrow('a bug');
  });

  const labeled = (...labels: readonly number[]): LabeledImages => ({
    ...{ labels: Int32Array.from(labels), n: labels.length, channels: 3, height: 1, width: 1 },
    classNames: ['cat', 'dog', 'owl'],
  });
  const one = { file: 'cat/1.png', reason: 'text' };

  test('may be half of the set, if no class is lost', () => {
    checkSkipped('x', [one, one], labeled(0, 0, 1, 1), labeled(0, 1));
    // A class that had no image before is not lost.
    checkSkipped('x', [], labeled(0, 1), labeled(0, 1));
  });

  test('are refused if they are more, or a whole class', () => {
    expect(() => {
      checkSkipped('x', [one, one], labeled(0, 0, 1), labeled(1));
    }).toThrow(
      expect.objectContaining({
        message: 'x: expected at least half of the images readable, got 2 unreadable ones of 3 (cat/1.png: text)',
        hint: 'Is it the right folder? If so, copy it again.',
      }),
    );
    expect(() => {
      checkSkipped('x', [one], labeled(0, 1, 1), labeled(1, 1));
    }).toThrow(
      expect.objectContaining({
        message: 'x: expected a readable image of each class, got none of cat (cat/1.png: text)',
        hint: 'Repair a picture of this class, or remove its folder.',
      }),
    );
    expect(() => {
      checkSkipped('x', [], labeled(0, 1), labeled(1));
    }).toThrow(expect.objectContaining({ got: 'none of cat' }));
  });
});

test('a walk through folders is bounded in depth and in paths to one folder', () => {
  const walk = new FolderWalk('set');
  walk.enter('a', 'a/', 16);
  expect(() => {
    walk.enter('b', 'b/', 17);
  }).toThrow(
    expect.objectContaining({
      message: 'set: b/: expected at most 16 levels of folders, got more',
      hint: 'Move the pictures further up.',
    }),
  );
  for (let i = 1; i < MAX_PATHS; i++) walk.enter('a', 'a/', 0);
  walk.enter('c', 'c/', 0);
  expect(() => {
    walk.enter('a', 'link/', 0);
  }).toThrow(
    expect.objectContaining({
      message: 'set: link/: expected at most 100 paths to a folder, through links, got more',
      hint: 'Remove links to this folder, or to folders above it.',
    }),
  );
});
