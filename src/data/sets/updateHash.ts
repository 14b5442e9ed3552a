import type { Hash } from 'node:crypto';

/** Node's hash takes less than 2 GiB at once. */
const PIECE = 2 ** 28;

export function updateHash(hash: Hash, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += PIECE) hash.update(bytes.subarray(from, from + PIECE));
}
