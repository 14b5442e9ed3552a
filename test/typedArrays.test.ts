/** jest's comparison of typed arrays, with the tester of typedArrays.ts. */
import { expect, test } from '@jest/globals';

const values = Float32Array.of(1, NaN, 0);

test('equal arrays of one type are equal, also in objects, maps and views', () => {
  expect(values.slice()).toEqual(values);
  expect(values.slice()).toStrictEqual(values);
  expect(new Map([['x', { data: values.slice() }]])).toEqual(new Map([['x', { data: values }]]));
  expect(Float32Array.of(7, ...values).subarray(1)).toEqual(values);
  const otherNaN = new Float32Array(Uint32Array.of(0x3f800000, 0x7fc00001, 0).buffer);
  expect(otherNaN).toEqual(values);
});

test('arrays of other values, lengths or types are not equal', () => {
  for (const other of [
    Float32Array.of(1, NaN, 2),
    Float32Array.of(1, NaN, -0),
    Float32Array.of(1, NaN),
    Float64Array.from(values),
    new Int32Array(values.buffer),
    [...values],
    new DataView(values.buffer),
    undefined,
  ]) {
    expect(other).not.toEqual(values);
    expect({ data: other }).not.toEqual({ data: values });
  }
});
