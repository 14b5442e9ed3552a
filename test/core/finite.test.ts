import { describe, expect, test } from '@jest/globals';
import { DataError, WeightsError } from '../../src/core/errors.js';
import { checkFiniteInput, checkFiniteLogits, checkFiniteOutputs, firstNonFinite } from '../../src/core/finite.js';
import { refusal } from '../io/refusal.js';

const BAD = [NaN, Infinity, -Infinity];

test.each(BAD)('firstNonFinite finds %d wherever it is', (bad) => {
  for (const at of [0, 3, 6]) {
    const values = Float32Array.of(1, -2, 0, 3e38, 5, -3.4e38, -0);
    expect(firstNonFinite(values)).toBe(-1);
    values[at] = bad;
    expect(firstNonFinite(values)).toBe(at);
  }
  // The first of two, which could cancel out in a sum.
  expect(firstNonFinite(Float64Array.of(0, bad, -bad))).toBe(1);
});

test('firstNonFinite takes a float64 that exceeds float32 for infinite, and no values for finite', () => {
  expect(firstNonFinite(Float64Array.of(1, 3.4e38, 1e39))).toBe(2);
  expect(firstNonFinite(Float64Array.of(-1e300))).toBe(0);
  expect(firstNonFinite(new Float32Array(0))).toBe(-1);
});

test('an input', () => {
  expect(() => {
    checkFiniteInput('forward', Float32Array.of(0, 1));
  }).not.toThrow();
  expect(() => {
    checkFiniteInput('forward', Float32Array.of(0, -Infinity));
  }).toThrow(refusal(DataError, 'forward', 'x of finite numbers', '-Infinity at element 1'));
});

describe('logits', () => {
  const named = { num_classes: 2, class_names: ['cat', 'dog'] };
  const check =
    (logits: readonly number[], config = named) =>
    () => {
      checkFiniteLogits('forward', Float64Array.from(logits), config);
    };

  test('that are finite pass', () => {
    expect(check([1, 2, -3, 0])).not.toThrow();
    // In float64, as of the reference.
    expect(check([1e300, 2])).not.toThrow();
  });

  test.each([
    [[1, NaN], 'NaN for class 1 (dog)'],
    [[Infinity, 1], 'Infinity for class 0 (cat)'],
    [[1, 2, 3, 4, -Infinity, 5], '-Infinity for class 0 (cat) of image 2'],
    [[1, 2, 3, NaN], 'NaN for class 1 (dog) of image 1'],
  ])('%j', (logits, got) => {
    expect(check(logits)).toThrow(refusal(WeightsError, 'forward', 'finite logits', got));
    expect(check(logits)).toThrow(expect.objectContaining({ hint: expect.stringContaining('weights') as unknown }));
  });

  test('of classes without names', () => {
    const error = refusal(WeightsError, 'forward', 'finite logits', 'NaN for class 2');
    const logits = Float32Array.of(1, 2, NaN);
    expect(() => {
      checkFiniteLogits('forward', logits, { num_classes: 3, class_names: null });
    }).toThrow(error);
  });
});

test('outputs of modules', () => {
  const outputs = new Map([
    ['stem', { data: Float32Array.of(1, 2) }],
    ['cls.0', { data: Float32Array.of(3, NaN) }],
  ]);
  expect(() => {
    checkFiniteOutputs('features', outputs);
  }).toThrow(refusal(WeightsError, 'features', 'finite outputs', 'NaN at element 1 of cls.0'));
  outputs.delete('cls.0');
  expect(() => {
    checkFiniteOutputs('features', outputs);
  }).not.toThrow();
});
