import type { Hash } from 'node:crypto';

/** Below the limit of 2 GiB for one call of Node's `update`. */
const CHUNK_BYTES = 2 ** 28;

export function updateHash(hash: Hash, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) hash.update(bytes.subarray(from, from + CHUNK_BYTES));
}
