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

/**
 * Bytes whose checksum is compared when they have been read from the first to the last, in any number of parts. Other reads
 * are not checked.
 *
 * @param sum CRC-32; 0 for none, which `torch.serialization.set_crc32_options(False)` writes
 */
export function checkedAccess(access: RandomAccess, sum: number): RandomAccess {
  const { name, size } = access;
  if (sum === 0) return access;
  let [next, actual] = [0, 0];
  return {
    name,
    size,
    async read(offset, length) {
      const bytes = await access.read(offset, length);
      if (offset === 0) [next, actual] = [0, 0];
      if (offset !== next) return bytes;
      actual = crc32(bytes, actual);
      next += length;
      if (next === size) checkSum(actual, sum, name);
      return bytes;
    },
  };
}
