import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../../src/core/errors.js';
import { NUMBER_CODES, numbersOf, NUMPY_NAMES, NumpyValues } from '../../../src/io/pickle/numpyValues.js';
import { readWholePickle } from '../../../src/io/pickle/pickleMachine.js';
import { PickleReader } from '../../../src/io/pickle/pickleReader.js';
import { PickleArray, PickleDtype, PickleObject, type PickleValue } from '../../../src/io/pickle/pickleValues.js';
import { array, scalar } from '../../data/sets/pickleWriter.js';
import { refusal } from '../refusal.js';

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

describe('arrays and scalars of types that are not read', () => {
  const bytesOf = (instructions: number[]): Uint8Array => Uint8Array.from([0x80, 2, ...instructions, 0x2e]);
  const readWith = (numpy: NumpyValues, instructions: number[]): PickleValue =>
    readWholePickle(new PickleReader(bytesOf(instructions), { op: 'net', Refused: WeightsError, hint: 'Save it.' }), {
      lowestProtocol: 2,
      maxObjects: 1000,
      maxDictionaries: 10,
      expected: 'names of numpy',
      allows: (name) => NUMPY_NAMES.has(name),
      call: (name, args, reader) => numpy.call(name, args, reader),
      build: (target, state, reader) => numpy.build(target, state, reader),
    });
  const read = (instructions: number[]): PickleValue =>
    readWith(new NumpyValues(NUMBER_CODES, 'a type of numbers', true), instructions);
  const strict = (instructions: number[]): PickleValue =>
    readWith(new NumpyValues(NUMBER_CODES, 'a type of numbers'), instructions);

  test.each(['f2', 'U3', 'M8', 'O8', 'c8'])('a scalar of %s is a record', (code) => {
    const value = read(scalar(new Uint8Array(2), code));
    expect(value).toBeInstanceOf(PickleObject);
    expect(value).toMatchObject({ name: 'numpy.core.multiarray.scalar', args: [{ code }, new Uint8Array(2)] });
  });

  test('a scalar of a type that is read is a number of its width', () => {
    expect(read(scalar(Uint8Array.of(0, 0, 0xc0, 0x3f), 'f4'))).toBe(1.5);
    for (const length of [0, 3, 8]) {
      expect(() => read(scalar(new Uint8Array(length), 'f4'))).toThrow(
        refusal(WeightsError, 'net', 'the type and bytes of an integer', 'something else'),
      );
    }
  });

  test.each(['U3', 'O8'])('an array of %s has its shape and no bytes', (code) => {
    const value = read(array([2, 3], new Uint8Array(7), code, '<'));
    expect(value).toBeInstanceOf(PickleArray);
    expect(value).toMatchObject({ shape: [2, 3], dtype: { code }, bytes: new Uint8Array(0), isFortran: false });
    expect(() => read(array([-1], new Uint8Array(7), code, '<'))).toThrow(
      refusal(WeightsError, 'net', 'the shape, type and bytes of an array of numbers', 'something else'),
    );
  });

  test('an array of numbers has as many bytes as its shape', () => {
    expect(read(array([1], Uint8Array.of(1, 2), 'f2'))).toMatchObject({ bytes: Uint8Array.of(1, 2) });
    expect(() => read(array([2], Uint8Array.of(1, 2), 'f2'))).toThrow(refusal(WeightsError, 'net', '4 bytes', '2'));
  });

  test('are refused where they are not allowed', () => {
    expect(() => strict(scalar(new Uint8Array(12), 'U3'))).toThrow(
      refusal(WeightsError, 'net', 'a type of numbers', 'U3'),
    );
    expect(() => strict(scalar(new Uint8Array(2), 'f2'))).toThrow(
      refusal(WeightsError, 'net', 'the type and bytes of an integer', 'something else'),
    );
  });
});
