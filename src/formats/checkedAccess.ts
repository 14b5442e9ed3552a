import { crc32 } from 'node:zlib';
import { WeightsError } from '../core/errors.js';
import type { RandomAccess } from './foreignFile.js';

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** @throws WeightsError unless bytes have the checksum of their record */
export function checkSum(actual: number, expected: number, op: string): void {
  if (actual === expected) return;
  const hint = 'The file is damaged: download, copy or save it again.';
  throw new WeightsError({ op, expected: `the checksum ${hex(expected)}`, got: hex(actual), hint });
}

/** Bytes that are read at once to compute a checksum. */
const BLOCK = 2 ** 20;

/** CRC-32 of all bytes. */
async function sumOf(access: RandomAccess): Promise<number> {
  let sum = 0;
  for (let at = 0; at < access.size; at += BLOCK) {
    sum = crc32(await access.read(at, Math.min(BLOCK, access.size - at)), sum);
  }
  return sum;
}

/**
 * Bytes whose checksum is compared before any of them are returned: in a pass over all of them, unless the first read is of
 * all. What is read later is not checked again.
 *
 * @param sum CRC-32; 0 for none, which `torch.serialization.set_crc32_options(False)` writes
 */
export function checkedAccess(access: RandomAccess, sum: number): RandomAccess {
  const { name, size } = access;
  if (sum === 0) return access;
  let isChecked = false;
  const check = (actual: number): void => {
    checkSum(actual, sum, name);
    isChecked = true;
  };
  return {
    name,
    size,
    async read(offset, length) {
      if (isChecked) return access.read(offset, length);
      const isAll = offset === 0 && length === size;
      if (!isAll) check(await sumOf(access));
      const bytes = await access.read(offset, length);
      if (isAll) check(crc32(bytes));
      return bytes;
    },
  };
}
