import { ParamError } from './errors.js';
import { requireList, show } from './require.js';

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011), a random number
 * generator without state. Each number is a function of a counter and a key. Numbers can therefore be drawn in
 * any order and by any thread, with the same result.
 */

const ROUNDS = 10;
const MULTIPLIER = [0xd2511f53, 0xcd9e8d57] as const;
/** The fractional parts of the golden ratio and of √3, times 2³²: added to the key in each round. */
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;

type Words = [number, number, number, number];

/** High and low 32 bits of a·b, by halves of a, so that every step is exact in float64. */
function multiply(a: number, b: number): [high: number, low: number] {
  const upper = b * (a >>> 16) + Math.floor((b * (a & 0xffff)) / 2 ** 16);
  return [Math.floor(upper / 2 ** 16), Math.imul(a, b) >>> 0];
}

const isWord = (value: unknown): boolean => typeof value === 'number' && value >>> 0 === value;

function requireWords(name: string, words: readonly number[], length: number): void {
  const count = requireList('philox4x32', name, words).length;
  if (count === length && words.every(isWord)) return;
  throw new ParamError('philox4x32', `${name} of ${length} integers in [0, 2^32)`, show(words));
}

/** Four random 32-bit words from a counter of four words and a key of two words. */
export function philox4x32(counter: Readonly<Words>, key: readonly [number, number]): Words {
  requireWords('counter', counter, 4);
  requireWords('key', key, 2);
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

/**
 * A random number in [0, 1), uniform on the multiples of 2⁻⁵³, from the words w of `philox4x32` for the counter
 * (index, stream, 0, 0) and the key (seed, 0):
 *
 *     u = (⌊w₀/2⁵⌋·2²⁶ + ⌊w₁/2⁶⌋) / 2⁵³
 *
 * @param seed of the run, an integer in [0, 2³²)
 * @param stream of a purpose, for example a parameter tensor or the dropout of a training step; in [0, 2³²)
 * @param index of the number in the stream, in [0, 2³²)
 * @throws ParamError
 */
export function uniform(seed: number, stream: number, index: number): number {
  if (!isWord(seed) || !isWord(stream) || !isWord(index)) {
    throw new ParamError(
      'uniform',
      'seed, stream and index integers in [0, 2^32)',
      [seed, stream, index].map(show).join(', '),
    );
  }
  const [high, low] = philox4x32([index, stream, 0, 0], [seed, 0]);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}
