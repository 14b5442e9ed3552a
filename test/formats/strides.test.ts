import { expect, test } from '@jest/globals';
import { rowMajorStrides } from '../../src/formats/strides.js';

test.each([
  [[], []],
  [[5], [1]],
  [
    [2, 3],
    [3, 1],
  ],
  [
    [2, 3, 4, 5],
    [60, 20, 5, 1],
  ],
])('%j', (shape, expected) => {
  expect(rowMajorStrides(shape)).toEqual(expected);
});
