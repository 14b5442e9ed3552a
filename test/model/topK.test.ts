import { describe, expect, test } from '@jest/globals';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import { topK } from '../../src/model/topK.js';
import { refusal } from '../io/refusal.js';

const order = (logits: readonly number[], k: number): number[] =>
  topK(Float64Array.from(logits), k, null).map(({ index }) => index);

describe('the order of the classes', () => {
  test.each([
    ['three classes', [0, 2, 1], 3, [1, 2, 0]],
    ['only the best', [0, 2, 1], 1, [1]],
    ['k larger than the number of classes', [0, 2, 1], 7, [1, 2, 0]],
    ['one class', [5], 1, [0]],
    ['ties', [1, 3, 1, 3, 1], 4, [1, 3, 0, 2]],
    ['all equal', [2, 2, 2], 2, [0, 1]],
    ['-0 and 0', [-0, 0], 2, [0, 1]],
    ['more than ten classes', Array.from({ length: 12 }, (_, i) => i), 3, [11, 10, 9]],
  ])('%s', (_, logits, k, indices) => {
    expect(order(logits, k)).toEqual(indices);
  });
});

test('the probabilities are the softmax of the logits', () => {
  const best = topK(Float64Array.of(Math.log(1), Math.log(3)), 2, ['one', 'three']);
  expect(best.map(({ label }) => label)).toEqual(['three', 'one']);
  expect(best[0].probability).toBeCloseTo(0.75, 12);
  expect(best[1].probability).toBeCloseTo(0.25, 12);
});

test('large logits do not overflow, in float32 or float64', () => {
  for (const logits of [Float32Array.of(3e38, -3e38), Float64Array.of(1e308, 0)]) {
    expect(topK(logits, 2, null).map(({ probability }) => probability)).toEqual([1, 0]);
  }
});

test('the label of a class without a name is its index', () => {
  expect(topK(Float32Array.of(0, 1), 2, null).map(({ label }) => label)).toEqual(['1', '0']);
});

test.each([0, -1, 1.5, NaN, Infinity])('refuses k = %d', (k) => {
  expect(() => topK(Float32Array.of(0, 1), k, null)).toThrow(refusal(ParamError, 'topK', 'an integer >= 1', `${k}`));
});

test.each([
  ['NaN', [NaN, 1], 'NaN for class 0'],
  ['Infinity', [1, 2, Infinity], 'Infinity for class 2'],
  ['-Infinity', [1, -Infinity], '-Infinity for class 1'],
  ['only -Infinity', [-Infinity, -Infinity], '-Infinity for class 0'],
])('refuses %s among the logits', (_, logits, got) => {
  expect(() => topK(Float64Array.from(logits), 1, null)).toThrow(refusal(DataError, 'topK', 'finite logits', got));
});

test('refuses no logits, and what is not a list of numbers', () => {
  const error = (got: string) => refusal(ShapeError, 'topK', 'logits, one for each class', got);
  expect(() => topK(new Float32Array(0), 1, null)).toThrow(error('none'));
  for (const [value, got] of [
    [undefined, 'Undefined'],
    [null, 'Null'],
    [Promise.resolve(), 'Promise'],
    ['12', 'String'],
  ] as const) {
    expect(() => topK(value as unknown as Float32Array, 1, null)).toThrow(error(got));
  }
  // A caller without types may pass a plain list.
  expect(topK([0, 1] as unknown as Float32Array, 1, null)[0].index).toBe(1);
});

test.each([[[]], [['one']], [['one', 'two', 'three']]])('refuses the names %j for two logits', (names) => {
  expect(() => topK(Float32Array.of(0, 1), 1, names)).toThrow(
    refusal(ParamError, 'topK', '2 class names, one for each logit', `${names.length}`),
  );
});
