/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011): random numbers as a pure function of counter and key. Draw i does not depend
 * on the draws before it.
 */
import { show } from './check.js';
import { ParamError } from './errors.js';

/** Four unsigned 32-bit words. */
export type PhiloxWords = readonly [number, number, number, number];

/** A local copy: in some test runners the lookup of a global is slow. */
const { imul } = Math;

const ROUNDS = 10;
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** Upper 32 bits of the 64-bit product of two unsigned words, by halves. */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + (middle >>> 16) + ((aLow * bHigh + (middle & 0xffff)) >>> 16)) >>> 0;
}

/** Ten rounds of Philox; counter and key are unsigned 32-bit words. */
export function philox4x32(counter: PhiloxWords, key: readonly [number, number]): PhiloxWords {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(M0, c0);
    const high1 = mulHigh(M1, c2);
    const low0 = imul(M0, c0) >>> 0;
    const low1 = imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

const isWord = (v: number): boolean => Number.isInteger(v) && v >= 0 && v < 2 ** 32;

/**
 * Draw `index` of a stream: u = ((w0 >>> 5)·2^26 + (w1 >>> 6)) / 2^53, in [0, 1),
 * from the words of counter (index, stream, 0, 0) under key (seed, 0).
 *
 * @throws ParamError for an argument that is not an integer in [0, 2^32).
 */
export function uniform(seed: number, stream: number, index: number): number {
  if (!isWord(seed) || !isWord(stream) || !isWord(index)) {
    throw new ParamError({
      op: 'uniform',
      expected: 'seed, stream and index: integers in [0, 2^32)',
      got: [seed, stream, index].map(show).join(', '),
    });
  }
  const [w0, w1] = philox4x32([index, stream, 0, 0], [seed, 0]);
  return ((w0 >>> 5) * 2 ** 26 + (w1 >>> 6)) / 2 ** 53;
}
