/** Reads of parts of arrays and files: those that begin above 0 have the right bytes. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { BlockCache } from '../../src/formats/hdf5/blockCache.js';
import { Diagnostics } from '../../src/formats/hdf5/diagnostics.js';
import { openHdf5 } from '../../src/formats/hdf5/openHdf5.js';
import { SharedThread } from './sharedThread.js';
import { hdf5File } from './hdf5File.js';

const threads = new SharedThread();
afterAll(() => threads.stop());

/** More elements than are read at once (2^18), in rows that no part ends with. */
const LARGE = 3 * 300 * 300;

describe('arrays in several parts', () => {
  test.each([
    ['rows', [3, 300, 300], [0, 1, 2]],
    ['rows behind axes of size 1', [1, 1, 900, 300], [0, 1, 2, 3]],
    ['single elements', [LARGE], [0]],
  ])('have the values of the file: %s', async (_, shape, axes) => {
    const values = Float32Array.from({ length: LARGE }, (__, i) => i);
    const bytes = await hdf5File((file) => {
      file.create_dataset({ name: 'x', data: values, shape, dtype: '<f4' });
    });
    const file = await openHdf5(bytesAccess('x.h5', bytes), threads);
    try {
      const array = file.objects[1].array;
      if (array === null) throw new Error('x is no array.');
      expect([array.shape, array.dtype]).toEqual([shape, 'float32']);
      const got = await file.tensor('/x', array, axes).read();
      expect(got.findIndex((value, i) => value !== i)).toBe(-1);
      expect(got).toHaveLength(LARGE);
    } finally {
      await file.close();
    }
  });

  test('have them when transposed', async () => {
    const values = Float32Array.from({ length: LARGE }, (_, i) => i);
    const bytes = await hdf5File((file) => {
      file.create_dataset({ name: 'x', data: values, shape: [300, 300, 3], dtype: '<f4', chunks: [64, 300, 3] });
    });
    const file = await openHdf5(bytesAccess('x.h5', bytes), threads);
    try {
      const array = file.objects[1].array;
      if (array === null) throw new Error('x is no array.');
      expect(array.isChunked).toBe(true);
      const got = await file.tensor('/x', array, [2, 0, 1]).read();
      expect(got.findIndex((value, i) => value !== 3 * (i % 90_000) + Math.floor(i / 90_000))).toBe(-1);
    } finally {
      await file.close();
    }
  });
});

describe('BlockCache', () => {
  const BLOCK = 65_536;
  const byteAt = (at: number): number => (at + Math.floor(at / 251)) % 256;

  function cacheOf(size: number): { cache: BlockCache; reads: [number, number][] } {
    const reads: [number, number][] = [];
    const cache = new BlockCache(size, (offset, target) => {
      reads.push([offset, target.length]);
      for (let i = 0; i < target.length; i++) target[i] = byteAt(offset + i);
    });
    return { cache, reads };
  }

  test.each([
    ['the beginning', 0, 8, [[0, BLOCK]]],
    ['the middle of a block', BLOCK + 100, 8, [[BLOCK, BLOCK]]],
    ['two blocks', BLOCK - 3, 8, [[0, BLOCK], [BLOCK, BLOCK]]], // prettier-ignore
    ['the last block, which is shorter', 2 * BLOCK, 8, [[2 * BLOCK, 9]]],
    ['as much as a block', 5, BLOCK, [[5, BLOCK]]],
    ['almost a block', 5, BLOCK - 1, [[0, BLOCK], [BLOCK, BLOCK]]], // prettier-ignore
  ])('reads %s', (_, offset, length, expected) => {
    const { cache, reads } = cacheOf(2 * BLOCK + 9);
    const target = new Uint8Array(length);
    expect(cache.fill(offset, target)).toBe(length);
    expect(target.findIndex((byte, i) => byte !== byteAt(offset + i))).toBe(-1);
    expect(reads).toEqual(expected);
    cache.fill(offset, target);
    expect(reads).toHaveLength(length < BLOCK ? expected.length : 2);
  });

  test.each([
    [2 * BLOCK + 4, 8, 5],
    [2 * BLOCK + 9, 8, 0],
    [4 * BLOCK, 8, 0],
    [10, 3 * BLOCK, 2 * BLOCK - 1],
  ])('from %d on fills as many of %d bytes as there are: %d', (offset, length, expected) => {
    const { cache } = cacheOf(2 * BLOCK + 9);
    const target = new Uint8Array(length).fill(7);
    expect(cache.fill(offset, target)).toBe(expected);
    expect(target.subarray(0, expected).findIndex((byte, i) => byte !== byteAt(offset + i))).toBe(-1);
    expect(target.subarray(expected).every((byte) => byte === 7)).toBe(true);
  });

  test('keeps the 64 blocks that were used last', () => {
    const { cache, reads } = cacheOf(70 * BLOCK);
    const readBlock = (i: number): number => cache.fill(i * BLOCK, new Uint8Array(1));
    for (let i = 0; i < 64; i++) readBlock(i);
    readBlock(0);
    readBlock(64);
    expect(reads).toHaveLength(65);
    readBlock(0);
    readBlock(2);
    expect(reads).toHaveLength(65);
    readBlock(1);
    expect(reads.slice(65)).toEqual([[BLOCK, BLOCK]]);
  });
});

describe('Diagnostics', () => {
  test('name the innermost cause, without its numbers', () => {
    const diagnostics = new Diagnostics();
    expect([diagnostics.isEmpty, diagnostics.cause()]).toEqual([true, 'a damaged one']);
    diagnostics.add('HDF5-DIAG: Error detected in HDF5:\n  #000: H5D.c line 1 in H5Dopen(): unable to open');
    diagnostics.add('  #001: H5B.c line 453 in f(): wrong B-tree signature, got 7\n    major: B-Tree');
    expect([diagnostics.isEmpty, diagnostics.cause()]).toEqual([false, 'wrong B-tree signature']);
    diagnostics.clear();
    expect([diagnostics.isEmpty, diagnostics.cause()]).toEqual([true, 'a damaged one']);
  });

  test('keep the last 100 lines', () => {
    const diagnostics = new Diagnostics();
    diagnostics.add('#000: a.c line 1 in f(): first');
    for (let i = 0; i < 99; i++) diagnostics.add('x');
    expect(diagnostics.cause()).toBe('first');
    diagnostics.add('x');
    expect(diagnostics.cause()).toBe('a damaged one');
  });
});
