import { ParamError } from './errors.js';

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
 * 1, 2, 3; SC 2011): a generator without state. Number `counter` of the sequence
 * `key` is computed from nothing but the two, so that any element can be drawn
 * alone, in any order, by any thread, and comes out the same.
 */

const ROUNDS = 10;
const MULTIPLIER = [0xd2511f53, 0xcd9e8d57] as const;
/** The golden ratio and √3 − 1 in 32 bits: what the key grows by each round. */
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;

type Words = [number, number, number, number];

/** High and low 32 bits of a·b: by the halves of a, so that every step is exact in a double. */
function multiply(a: number, b: number): [high: number, low: number] {
  const carried = b * (a >>> 16) + Math.floor((b * (a & 0xffff)) / 2 ** 16);
  return [Math.floor(carried / 2 ** 16), Math.imul(a, b) >>> 0];
}

/** Four random 32-bit words for a counter of four words and a key of two. */
export function philox4x32(counter: Readonly<Words>, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(MULTIPLIER[0], c0);
    const [high1, low1] = multiply(MULTIPLIER[1], c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

const isWord = (value: number): boolean => value >>> 0 === value;

/**
 * A number in [0, 1), uniform on the multiples of 2⁻⁵³. `seed`, `stream` and
 * `index` are integers in [0, 2³²): one seed for a run, one stream for each thing
 * that draws (a parameter tensor, a training step's dropout), one index for each
 * number it draws.
 *
 * @throws ParamError
 */
export function uniform(seed: number, stream: number, index: number): number {
  if (!isWord(seed) || !isWord(stream) || !isWord(index)) {
    throw new ParamError('uniform', 'seed, stream and index integers in [0, 2^32)', `${seed}, ${stream}, ${index}`);
  }
  const [high, low] = philox4x32([index, stream, 0, 0], [seed, 0]);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}
