import { expect, test } from '@jest/globals';
import { ParamError } from '../../../src/core/errors.js';
import { philox4x32, uniform } from '../../../src/core/philox.js';

const hex = (words: readonly number[]): string => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
const ones = 0xffffffff;

test('yields the known answers of Random123 (kat_vectors, philox4x32 10)', () => {
  expect(hex(philox4x32([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  expect(hex(philox4x32([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  expect(hex(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('a uniform number has 53 bits of the first two words', () => {
  const bits = (BigInt(0x6627e8d5) >> 5n) * 2n ** 26n + (BigInt(0xe169c58d) >> 6n);
  expect(uniform(0, 0, 0)).toBe(Number(bits) / 2 ** 53);
  expect(uniform(ones, ones, ones)).toBeLessThan(1);
  const [w0, w1] = philox4x32([9, 5, 0, 0], [3, 0]);
  expect(uniform(3, 5, 9)).toBe(((w0 >>> 5) * 2 ** 26 + (w1 >>> 6)) / 2 ** 53);
});

test('numbers are uniform: mean 1/2, variance 1/12', () => {
  const draws = Array.from({ length: 20000 }, (_, i) => uniform(1, 2, i));
  const mean = draws.reduce((a, b) => a + b) / draws.length;
  const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
});

test.each([
  [-1, 0, 0],
  [0, 2 ** 32, 0],
  [0, 0, 0.5],
  [NaN, 0, 0],
])('refuses seed %d, stream %d, index %d', (seed, stream, index) => {
  expect(() => uniform(seed, stream, index)).toThrow(ParamError);
});
