import { expect, test } from '@jest/globals';
import { convSize } from '../../src/core/shapes.js';

test.each([
  [224, 4, 4, 0, 56],
  [224, 4, 3, 1, 75],
  [31, 4, 4, 0, 7],
  [4, 4, 4, 0, 1],
  [3, 4, 4, 0, 0],
  [5, 3, 1, 1, 5],
])('convSize of size %d, kernel %d, stride %d, padding %d is %d', (size, kernel, stride, padding, output) => {
  expect(convSize(size, kernel, stride, padding)).toBe(output);
});
