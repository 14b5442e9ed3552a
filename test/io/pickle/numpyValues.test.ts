import { describe, expect, test } from '@jest/globals';
import { numbersOf } from '../../../src/io/pickle/numpyValues.js';
import { PickleDtype } from '../../../src/io/pickle/pickleValues.js';

describe('numbers of a type', () => {
  test('are little endian by default; a rest of less than one is passed over', () => {
    const bytes = Uint8Array.of(1, 0, 2, 0, 9);
    const type = new PickleDtype('u2');
    expect(numbersOf(bytes, type)).toEqual([1, 2]);
    type.isLittleEndian = false;
    expect(numbersOf(bytes, type)).toEqual([256, 512]);
  });

  test.each([
    ['f4', [0, 0, 0xc0, 0x3f], [1.5]],
    ['f8', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
    ['b1', [0, 1], [0, 1]],
    ['f2', [0, 0], []],
    ['constructor', [0, 0], []],
  ])('%s', (code, bytes, expected) => {
    expect(numbersOf(Uint8Array.from(bytes), new PickleDtype(code))).toEqual(expected);
  });
});
