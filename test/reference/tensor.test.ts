import { expect, test } from '@jest/globals';
import { ShapeError } from '../../reference/errors.js';
import { tensor } from '../../reference/tensor.js';

test('an array whose memory was transferred has no values', () => {
  const values = new Float32Array(2);
  structuredClone(values, { transfer: [values.buffer] });
  expect(tensor(values, [0]).shape).toEqual([0]);
  expect(() => tensor(values, [2])).toThrow(ShapeError);
});
