import { describe, expect, test } from '@jest/globals';
import { PickleReader } from '../../../src/data/sets/pickleReader.js';
import {
  integersOf,
  latin1,
  latin1Bytes,
  MAX_OBJECTS,
  PickleArray,
  PickleDtype,
  PickleText,
  shapeOf,
  textOf,
  transpose,
} from '../../../src/data/sets/pickleValues.js';

const readerOf = (...bytes: readonly number[]): PickleReader => new PickleReader(Uint8Array.from(bytes), 'x');

describe('the reader', () => {
  test('reads little-endian numbers one after the other', () => {
    const reader = readerOf(7, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 3, 0, 0, 0, 1, 0, 0, 0, 9);
    expect([reader.byte(), reader.uint16(), reader.uint32(), reader.int32()]).toEqual([7, 513, 2 ** 32 - 1, -2]);
    expect([reader.uint64(), reader.remaining, reader.byte(), reader.remaining]).toEqual([2 ** 32 + 3, 1, 9, 0]);
  });

  test.each([
    [[], 0],
    [[0x7f], 127],
    [[0x80], -128],
    [[0xff], -1],
    [[0xff, 0x7f], 32767],
    [[0, 0x80], -32768],
    [[1, 2, 3, 4, 5, 0x7f], 0x7f0504030201],
    [[0, 0, 0, 0, 0, 0x80], -(2 ** 47)],
  ])('reads %j as the integer %d', (bytes, value) => {
    expect(readerOf(...bytes).integer(bytes.length)).toBe(value);
  });

  test('refuses integers of more than 6 bytes, with its position', () => {
    expect(() => readerOf(0, 0, 0, 0, 0, 0, 0).integer(7)).toThrow(
      expect.objectContaining({ message: 'x: expected an integer of at most 48 bits, got 56 bits (at byte 0)' }),
    );
  });

  test('reads lines, also empty ones', () => {
    const reader = readerOf(0x0a, 0x61, 0xe9, 0x0a, 0x62);
    expect([reader.line(), reader.line()]).toEqual(['', 'a\u00e9']);
    expect(() => reader.line()).toThrow(
      expect.objectContaining({ message: 'x: expected a line of at most 1024 bytes, got no end of it (at byte 4)' }),
    );
  });

  test('reads lines of up to 1024 bytes', () => {
    const line = (length: number): PickleReader => readerOf(...new Uint8Array(length).fill(0x61), 0x0a);
    expect(line(1024).line()).toBe('a'.repeat(1024));
    expect(() => line(1025).line()).toThrow('a line of at most 1024 bytes');
  });

  test('refuses to move beyond the end, and may move to it', () => {
    const reader = readerOf(1, 2);
    expect([reader.skip(1), reader.skip(1), reader.remaining]).toEqual([0, 1, 0]);
    expect(() => reader.skip(1)).toThrow(
      expect.objectContaining({
        message: 'x: expected 1 more bytes, got 0: the file is truncated or damaged (at byte 2)',
      }),
    );
  });

  test('decodes text of up to 64 KiB at once', () => {
    const reader = new PickleReader(new Uint8Array(2 ** 17 + 1).fill(0x61), 'x');
    expect(reader.utf8(2 ** 16)).toBe('a'.repeat(2 ** 16));
    expect(reader.utf8(2 ** 16 + 1)).toBeInstanceOf(PickleText);
  });
});

test('the reader refuses text that V8 does not decode', () => {
  /** Bytes that are not there: no text is decoded. */
  const readerOfLength = (length: number): PickleReader =>
    new PickleReader(Object.defineProperty(new Uint8Array(0), 'length', { value: length }), 'x');
  const largest = 2 ** 29 - 24;
  expect(readerOfLength(largest).utf8(largest)).toBeInstanceOf(PickleText);
  expect(() => readerOfLength(largest + 1).utf8(largest + 1)).toThrow(
    expect.objectContaining({
      message: 'x: expected text of at most 536870888 bytes, got 536870889 (at byte 536870889)',
    }),
  );
});

describe('values', () => {
  test('long text is decoded once, and only if it is Latin-1', () => {
    const text = new PickleText(new TextEncoder().encode('a\u00ff'));
    expect(text.latin1()).toEqual(Uint8Array.of(0x61, 0xff));
    expect(text.latin1()).toBe(text.latin1());
    expect(new PickleText(new TextEncoder().encode('\u0100')).latin1()).toBeNull();
  });

  test('Latin-1 both ways', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(latin1Bytes(latin1(all))).toEqual(all);
    expect(latin1(all.subarray(0xe9, 0xea))).toBe('\u00e9');
    expect(latin1Bytes('\u0100')).toBeNull();
  });

  test('text and shapes, or null for other values', () => {
    expect([textOf('a'), textOf(Uint8Array.of(0xe9)), textOf(7), textOf(undefined)]).toEqual([
      'a',
      '\u00e9',
      null,
      null,
    ]);
    expect(textOf(new PickleText(Uint8Array.of(0x61)))).toBeNull();
    expect([shapeOf([2, 0]), shapeOf([]), shapeOf([-1]), shapeOf(['1']), shapeOf(2)]).toEqual([
      [2, 0],
      [],
      null,
      null,
      null,
    ]);
  });

  test('an array without a state is empty', () => {
    const array = new PickleArray();
    expect([array.shape, array.dtype.code, array.dtype.bytes, array.isFortran]).toEqual([[0], 'u1', 1, false]);
    expect([array.pixels(), array.integers()]).toEqual([new Uint8Array(0), []]);
  });

  test('an array of more than 4,000,000 elements has no list', () => {
    const array = new PickleArray();
    array.shape = [MAX_OBJECTS];
    expect([MAX_OBJECTS, array.integers()]).toEqual([4_000_000, []]);
    array.shape = [MAX_OBJECTS + 1];
    expect(array.integers()).toBeNull();
  });

  test('integers of a type: little-endian by default; a rest of less than one is passed over', () => {
    const bytes = Uint8Array.of(1, 0, 2, 0, 9);
    const type = new PickleDtype('u2');
    expect(integersOf(bytes, type)).toEqual([1, 2]);
    type.isLittleEndian = false;
    expect(integersOf(bytes, type)).toEqual([256, 512]);
    expect(integersOf(bytes, new PickleDtype('f4'))).toEqual([]);
  });

  test('column-major data in row-major order', () => {
    expect(transpose(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Uint8Array.of(1, 3, 5, 2, 4, 6));
    expect(transpose(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, 2)).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 6));
    expect(transpose(new Uint8Array(0), 0, 4)).toEqual(new Uint8Array(0));
  });
});
