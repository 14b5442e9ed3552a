import { describe, expect, test } from '@jest/globals';
import { compareCodePoints } from '../../src/core/compareCodePoints.js';

describe('compareCodePoints', () => {
  // sorted(['🐱', 'ｶ', '\ue000', 'é', 'z', 'Z', '', 'zz', '\uffff', '🐱a', '𐀀', '\ud7ff']) in Python 3
  const SORTED = ['', 'Z', 'z', 'zz', 'é', '\ud7ff', '\ue000', 'ｶ', '\uffff', '𐀀', '🐱', '🐱a'];

  test('sorts as Python does', () => {
    expect([...SORTED].reverse().sort(compareCodePoints)).toEqual(SORTED);
    expect([...SORTED].sort()).not.toEqual(SORTED);
  });

  test('is a total order', () => {
    SORTED.forEach((a, i) => {
      SORTED.forEach((b, j) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(i - j));
      });
    });
  });

  test('compares the first difference, and lengths last', () => {
    expect(compareCodePoints('ab', 'abc')).toBe(-1);
    expect(compareCodePoints('b', 'abc')).toBe(1);
    expect(compareCodePoints('🐱', '🐶')).toBeLessThan(0);
  });
});
