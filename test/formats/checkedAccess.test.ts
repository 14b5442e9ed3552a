import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { checkedAccess } from '../../src/formats/checkedAccess.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { RandomAccess } from '../../src/formats/foreignFile.js';
import { refusal } from '../io/refusal.js';

/** More than two blocks of 2^20 bytes. */
const data = new Uint8Array(2 ** 21 + 5).fill(7);

/** Bytes in memory, and the reads of them. */
function counted(bytes: Uint8Array): { access: RandomAccess; reads: (readonly [number, number])[] } {
  const reads: (readonly [number, number])[] = [];
  const whole = bytesAccess('data', bytes);
  const read: RandomAccess['read'] = (offset, length) => {
    reads.push([offset, length]);
    return whole.read(offset, length);
  };
  return { access: { ...whole, read }, reads };
}

const PASS = [
  [0, 2 ** 20],
  [2 ** 20, 2 ** 20],
  [2 ** 21, 5],
];

describe('a checksum is compared', () => {
  test('in one pass of blocks before a part is returned', async () => {
    const { access, reads } = counted(data);
    const checked = checkedAccess(access, crc32(data));
    expect([checked.name, checked.size]).toEqual(['data', data.length]);
    expect(await checked.read(3, 2)).toEqual(Uint8Array.of(7, 7));
    expect(reads).toEqual([...PASS, [3, 2]]);
    await checked.read(0, 10);
    await checked.read(0, data.length);
    expect(reads.slice(4)).toEqual([
      [0, 10],
      [0, data.length],
    ]);
  });

  test('of the first read, if that is of all bytes', async () => {
    const { access, reads } = counted(data);
    const checked = checkedAccess(access, crc32(data));
    await checked.read(0, data.length);
    await checked.read(1, data.length - 1);
    expect(reads).toEqual([
      [0, data.length],
      [1, data.length - 1],
    ]);
  });

  test.each([
    [0, data.length],
    [0, data.length - 1],
    [1, data.length - 1],
    [0, 0],
  ])('and a wrong one is refused, whatever is read: %d, %d', async (offset, length) => {
    const checked = checkedAccess(bytesAccess('data', data), 255);
    const error = refusal(WeightsError, 'data', 'the checksum 000000ff', crc32(data).toString(16));
    await expect(checked.read(offset, length)).rejects.toThrow(error);
    await expect(checked.read(offset, length)).rejects.toThrow(error);
  });

  test('but for 0, which is none', () => {
    const { access } = counted(data);
    expect(checkedAccess(access, 0)).toBe(access);
  });
});
