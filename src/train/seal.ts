/** A SHA-256 of a whole weight file, in its own header, where zeros stand while it is taken. */
import { createHash } from 'node:crypto';
import { WeightsError } from '../core/errors.js';
import { addBytes } from '../data/sets/addBytes.js';
import { METADATA, PREFIX } from '../io/safetensorsHeader.js';

/** Must be the first of the metadata, so that the digits lie where nobody has to look for them. */
export const SEAL = 'vanillanet.sha256';
export const UNSEALED = '0'.repeat(64);

const BEFORE = new TextEncoder().encode(`{"${METADATA}":{"${SEAL}":"`);
const BEGIN = PREFIX + BEFORE.length;
const END = BEGIN + UNSEALED.length;

const digitsIn = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(BEGIN, END));

/** Not by what runs everywhere: of hundreds of megabytes it is ten times as fast. */
function digestOf(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  hash.update(bytes.subarray(0, BEGIN)).update(UNSEALED);
  addBytes(hash, bytes.subarray(END));
  return hash.digest('hex');
}

/** Puts the digest into a file that was made with `UNSEALED` under `SEAL`. */
export function seal(bytes: Uint8Array): Uint8Array {
  bytes.set(new TextEncoder().encode(digestOf(bytes)), BEGIN);
  return bytes;
}

/**
 * @returns whether there is a seal
 * @throws WeightsError where it is that of other bytes
 */
export function checkSeal(bytes: Uint8Array, path: string): boolean {
  if (!BEFORE.every((byte, i) => bytes[PREFIX + i] === byte)) return false;
  const [expected, got] = [digitsIn(bytes), digestOf(bytes)];
  if (got !== expected) throw new WeightsError({ op: path, expected: `sha256 ${expected}`, got });
  return true;
}
