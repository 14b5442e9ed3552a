/**
 * SHA-256 of `@noble/hashes`. The build bundles the package into this module, so that it need not be
 * installed with this package.
 */
import { sha256 as implementation } from '@noble/hashes/sha2.js';

/** A hash of bytes that arrive in parts. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** The hash of all bytes so far. Call it once, at the end. */
  digest(): Uint8Array;
}

export const sha256: { create(): Hash } = implementation;
