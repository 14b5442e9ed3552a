import { expect, test } from '@jest/globals';
import { judge } from '../../src/diff/judge.js';
import { measure, ulpsBetween } from '../../src/diff/measures.js';

const floats = (...values: number[]): Float32Array => Float32Array.from(values);

test('counts ULPs across zero and powers of two', () => {
  expect(ulpsBetween(1, 1 + 2 ** -23)).toBe(1);
  expect(ulpsBetween(1, 1 - 2 ** -24)).toBe(1);
  expect(ulpsBetween(-1, -1 - 2 ** -22)).toBe(2);
  expect(ulpsBetween(2 ** -149, -(2 ** -149))).toBe(2);
  expect(ulpsBetween(0, -0)).toBe(0);
});

test('measures finite elements only', () => {
  const { maxAbs, relative, ulps, angle } = measure(floats(3, -4.5, NaN, 1), floats(3, -4, 1, Infinity));
  expect([maxAbs, relative, ulps]).toEqual([0.5, 0.125, 2 ** 20]);
  const cosine = (9 + 18) / (5 * Math.sqrt(9 + 4.5 ** 2));
  expect(angle).toBeCloseTo(1 - cosine, 14);
});

test('measures small angles, and NaN for a zero array', () => {
  expect(measure(new Float64Array([1, 1e-9]), new Float64Array([1, 0])).angle).toBeCloseTo(5e-19, 30);
  expect(measure(floats(0, 0), floats(0, 0))).toEqual({ maxAbs: 0, relative: 0, ulps: 0, angle: NaN });
});

test('the worst element has the largest ratio, not the largest error', () => {
  const answer = { exact: new Float64Array([0, 100, 5, 7]), bound: new Float64Array([1, 10, 0, 0]) };
  expect(judge(floats(0.75, 105, 5, 7), answer, [1, 2, 1, 2])).toEqual({
    worst: { at: [0, 0, 0, 0], got: 0.75, exact: 0, error: 0.75, bound: 1, ratio: 0.75 },
    outside: 0,
    unjudged: 0,
  });
  const { worst, outside } = judge(floats(2, 105, 5, 7.5), answer, [1, 2, 1, 2]);
  expect([worst.at, worst.ratio, outside]).toEqual([[0, 1, 0, 1], Infinity, 2]);
});

test('does not judge elements computed from NaN', () => {
  const answer = { exact: new Float64Array([NaN, 1]), bound: new Float64Array([NaN, 0.5]) };
  expect(judge(floats(3, NaN), answer, [1, 2, 1, 1])).toMatchObject({
    worst: { error: Infinity },
    outside: 1,
    unjudged: 1,
  });
  expect(judge(floats(3, 1), answer, [1, 2, 1, 1])).toMatchObject({ worst: { ratio: 0 }, outside: 0, unjudged: 1 });
});
