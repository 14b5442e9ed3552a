/** How the data of a run are identified. */
import { expect, test } from '@jest/globals';
import type { DataSet, StreamedSet } from '../../src/data/sets/dataset.js';
import { fingerprint } from '../../src/data/sets/fingerprint.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { checkOrigin, dataOrigin, type Origin, type SetOrigin } from '../../src/train/origin.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { writeFile } from 'node:fs/promises';

const path = temporaryFolder();
const train = drawShapes(6, { seed: 1, size: 8 });
const validation = drawShapes(4, { seed: 2, size: 8 });
const choice = { spec: 'shapes', limit: 6, val_limit: null, val_split: 0.5 };

test('of sets in memory: number, size and pixels, with the choice that led to them', async () => {
  expect(await dataOrigin({ train, validation }, choice)).toEqual({
    ...choice,
    class_names: train.classNames,
    train: { images: 6, size: [8, 8], ...(await fingerprint(train)) },
    held_out: { images: 4, size: [8, 8], ...(await fingerprint(validation)) },
  });
});

test('without held-out images has null', async () => {
  expect((await dataOrigin({ train, validation: null }, choice)).held_out).toBeNull();
});

test.each([
  [true, true],
  [false, undefined],
  [undefined, undefined],
])('of a set on disk says whether crops are cut from whole pictures: %p', async (cropFromOriginal, whole) => {
  await writeFile(path('a.png'), 'x');
  const { images: _, ...rest } = train as DataSet & { readonly images: Uint8Array };
  const files = { root: path(), names: Array<string>(6).fill('a.png') };
  const set = {
    ...rest,
    files: { ...files, ...(cropFromOriginal === undefined ? {} : { cropFromOriginal }) },
  } as unknown as StreamedSet;
  const { train: origin } = await dataOrigin({ train: set, validation: null }, choice);
  expect([origin.images, origin.of, origin.whole]).toEqual([6, 'files', whole]);
  expect('whole' in origin).toBe(whole !== undefined);
});

const set = (images: number): SetOrigin => ({ images, size: [8, 8], of: 'pixels', sha256: 'a'.repeat(64) });
const was = (held_out: SetOrigin | null): Origin => ({
  backend: 'reference',
  data: { ...choice, class_names: ['a', 'b'], train: set(6), held_out },
});
const check =
  (before: Origin, now: Origin): (() => void) =>
  () => {
    checkOrigin(before, now);
  };

test('a run without held-out images goes on without them, and not with some', () => {
  expect(check(was(null), was(null))).not.toThrow();
  const hint = 'Accept other images with --accept-data.';
  expect(check(was(null), was(set(4)))).toThrow(
    expect.objectContaining({ expected: expect.stringMatching(/to train on, none held out\)$/), hint }),
  );
});

test('digests are shortened to twelve digits', () => {
  const listed = { ...set(6), listing: 'b'.repeat(64) };
  const now = { ...was(null), data: { ...was(null).data, train: { ...listed, images: 7 } } };
  expect(check(was(null), now)).toThrow(
    expect.objectContaining({
      got: expect.stringContaining('7 of 8x8 (sha256 aaaaaaaaaaaa of pixels, bbbbbbbbbbbb of files) to train on'),
    }),
  );
});
