/** The generator is implemented twice, in src/core and in reference; both return the same numbers. */
import { expect, test } from '@jest/globals';
import * as reference from '../../reference/philox.js';
import * as core from '../../src/core/philox.js';

/** Words at which halves, carries or signs change. */
const EDGES = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

test('words are equal at the limits of halves, carries and signs', () => {
  for (const a of EDGES) {
    for (const b of EDGES) {
      for (const counter of [
        [a, b, 0, 0],
        [0, b, a, 7],
        [b, 1, b, a],
      ] as const) {
        expect(core.philox4x32(counter, [b, a])).toEqual(reference.philox4x32([...counter], [b, a]));
      }
    }
  }
});

test('words are equal in a chain of 3000 draws, each of which is the next counter', () => {
  let words: core.PhiloxWords = [1, 2, 3, 4];
  for (let i = 0; i < 3000; i++) {
    const key = [words[3], i] as const;
    const next = core.philox4x32(words, key);
    expect(next).toEqual(reference.philox4x32([...words], key));
    words = next;
  }
});

test('3000 uniform numbers are equal', () => {
  for (let i = 0; i < 1000; i++) {
    for (const [seed, stream, index] of [
      [0, 0, i],
      [i, 2 ** 30 + i, 2 ** 32 - 1 - i],
      [2 ** 32 - 1, i, 2 ** 31],
    ]) {
      expect(core.uniform(seed, stream, index)).toBe(reference.uniform(seed, stream, index));
    }
  }
});
