import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError } from '../../../src/core/errors.js';
import { subset, type DataSet, type StreamedSet } from '../../../src/data/sets/dataset.js';
import { fingerprint } from '../../../src/data/sets/fingerprint.js';
import type { Cache } from '../../../src/data/sets/imageFolder.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const sha = async (set: DataSet): Promise<string> => (await fingerprint(set)).sha256;

describe('the fingerprint of a set in memory', () => {
  const set = drawShapes(12, { seed: 3, size: 8 });

  test('is the SHA-256 of sizes, labels and pixels', async () => {
    const expected = createHash('sha256')
      .update(`3 8 8 ${Array.from(set.labels).join(' ')}\n`)
      .update(set.images);
    expect(await fingerprint(set)).toEqual({ of: 'pixels', sha256: expected.digest('hex') });
    // Independent of the type of the labels array.
    expect(await sha({ ...set, labels: Uint8Array.from(set.labels) })).toBe(await sha(set));
  });

  test('changes with a pixel, a label or the order', async () => {
    const pixel = { ...set, images: set.images.with(700, set.images[700] ^ 1) };
    const label = { ...set, labels: set.labels.map((one, i) => (i === 11 ? (one + 1) % 10 : one)) };
    const order = subset(set, [1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const shas = await Promise.all([set, pixel, label, order].map(sha));
    expect(new Set(shas).size).toBe(4);
  });
});

describe('the fingerprint of a set on disk', () => {
  const open = (name: string, cache: Cache = 'none'): Promise<DataSet> =>
    openDataset(path(name), 'train', { size: [8, 8], cache });
  const picture = (k: number): Promise<Buffer> =>
    sharp({ create: { width: 9, height: 9 + k, channels: 3, background: { r: 40 * k, g: 90, b: 7 } } })
      .png()
      .toBuffer();
  beforeAll(async () => {
    for (const name of ['cat', 'dog']) {
      await mkdir(path('pets', name), { recursive: true });
      for (let k = 0; k < 3; k++) await writeFile(path('pets', name, `${k}.png`), await picture(k));
    }
    await cp(path('pets'), path('moved'), { recursive: true });
    await cp(path('pets'), path('other'), { recursive: true });
    await writeFile(path('other', 'dog', '1.png'), Buffer.concat([await picture(1), Buffer.of(0)]));
  });

  test('does not change if the folder is moved, and changes with the size or class of a file', async () => {
    const set = (await open('pets')) as StreamedSet;
    expect(await fingerprint(set)).toEqual(await fingerprint(await open('moved')));
    expect((await fingerprint(set)).of).toBe('files');
    const other = await sha(await open('other'));
    const label = await sha({ ...set, labels: set.labels.map((one) => 1 - one) });
    const name = await sha({ ...set, files: { ...set.files, names: set.files.names.with(0, 'dog/0.png') } });
    expect(new Set([await sha(set), other, label, name]).size).toBe(4);
  });

  test('equals the listing of the same folder in memory, also with skipped images', async () => {
    const { sha256 } = await fingerprint(await open('pets'));
    const inMemory = await fingerprint(await open('pets', 'memory'));
    expect(inMemory).toEqual({ of: 'pixels', sha256: expect.stringMatching(/^[\da-f]{64}$/), listing: sha256 });
    await cp(path('pets'), path('spoiled'), { recursive: true });
    await writeFile(path('spoiled', 'cat', '1.png'), 'x');
    const skipped = await Promise.all(
      (['memory', 'none'] as const).map((cache) =>
        openDataset(path('spoiled'), 'train', { size: [8, 8], cache, onBadImage: 'skip' }).then(fingerprint),
      ),
    );
    expect(skipped[0]).toHaveProperty('listing', skipped[1].sha256);
    expect(skipped[1].sha256).not.toBe(sha256);
  });

  test('names a missing file', async () => {
    const set = (await open('pets')) as StreamedSet;
    const withMissingFile = { ...set, files: { ...set.files, names: set.files.names.with(2, 'cat/none.png') } };
    await expect(fingerprint(withMissingFile)).rejects.toThrow(
      refusal(DataError, 'cat/none.png', 'a readable file', 'no such file'),
    );
  });
});
