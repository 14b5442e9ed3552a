import { describe, expect, test } from '@jest/globals';
import {
  bytesHeader,
  callCode,
  globalCode,
  integerCode,
  MINUS_ONE,
  referenceCode,
  textCode,
  tupleCode,
} from '../../src/formats/pickleCode.js';

const hex = (code: readonly number[]): string => Buffer.from(code).toString('hex');

describe('integers', () => {
  test.each([
    [0, '4b00'],
    [255, '4bff'],
    [256, '4d0001'],
    [65_535, '4dffff'],
    [65_536, '4a00000100'],
    [2 ** 31 - 1, '4affffff7f'],
    [2 ** 31, '8a080000008000000000'],
    [2 ** 53 - 1, '8a08ffffffffffff1f00'],
  ])('%i', (value, expected) => {
    expect(hex(integerCode(value))).toBe(expected);
  });

  test('-1', () => {
    expect(hex(MINUS_ONE)).toBe('4affffffff');
  });
});

test.each([
  [0, '4200000000'],
  [2 ** 32 - 1, '42ffffffff'],
  [2 ** 32, '8e0000000001000000'],
])('the header of %i bytes', (length, expected) => {
  expect(hex(bytesHeader(length))).toBe(expected);
});

test('text, names, tuples, calls and references', () => {
  expect(hex(textCode('né'))).toBe('58030000006ec3a9');
  expect(hex(globalCode('a.b', 'c'))).toBe('63612e620a630a');
  expect(hex(tupleCode())).toBe('29');
  expect(hex(tupleCode([0x4e], [0x88]))).toBe('284e8874');
  expect(hex(callCode([0x4e], [0x88]))).toBe('4e28887452');
  expect(hex(callCode([0x4e]))).toBe('4e2952');
  expect(hex(referenceCode([0x4e]))).toBe('4e51');
});
