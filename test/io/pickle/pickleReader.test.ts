import { describe, expect, test } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import { LONGEST_INLINE, PickleReader } from '../../../src/io/pickle/pickleReader.js';
import {
  FileBytes,
  latin1,
  latin1Bytes,
  PickleArray,
  PickleText,
  shapeOf,
  textOf,
} from '../../../src/io/pickle/pickleValues.js';

const ERRORS = { op: 'x', Refused: DataError, hint: 'Save it again.' };
const readerOf = (...bytes: readonly number[]): PickleReader => new PickleReader(Uint8Array.from(bytes), ERRORS);

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
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], 2 ** 53 - 1],
    [[1, 0, 0, 0, 0, 0, 0xe0], 1 - 2 ** 53],
  ])('reads %j as the integer %d', (bytes, value) => {
    expect(readerOf(...bytes).integer(bytes.length)).toBe(value);
  });

  test('reads larger integers as bigint', () => {
    expect(readerOf(0, 0, 0, 0, 0, 0, 0x20).integer(7)).toBe(2n ** 53n);
    expect(readerOf(0, 0, 0, 0, 0, 0, 0xe0).integer(7)).toBe(-(2n ** 53n));
    const digits = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    expect(readerOf(...digits).integer(10)).toBe(0x1950a86a20f9469cfc6cn);
  });

  test('refuses integers of more than 1024 bytes, with its position', () => {
    expect(new PickleReader(new Uint8Array(1024), ERRORS).integer(1024)).toBe(0);
    expect(() => new PickleReader(new Uint8Array(2000), ERRORS).integer(1025)).toThrow(
      expect.objectContaining({
        message: 'x: expected an integer of at most 1024 bytes, got 1025 bytes (at byte 0)',
        hint: 'Save it again.',
      }),
    );
  });

  test('reads big-endian floats', () => {
    expect(readerOf(0x3f, 0xf8, 0, 0, 0, 0, 0, 0).float()).toBe(1.5);
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
    const reader = new PickleReader(new Uint8Array(2 ** 17 + 1).fill(0x61), ERRORS);
    expect(reader.utf8(2 ** 16)).toBe('a'.repeat(2 ** 16));
    expect(reader.utf8(2 ** 16 + 1)).toBeInstanceOf(PickleText);
  });
});

test('the reader refuses text that V8 does not decode', () => {
  /** Bytes that are not there: no text is decoded. */
  const readerOfLength = (length: number): PickleReader =>
    new PickleReader(Object.defineProperty(new Uint8Array(0), 'length', { value: length }), ERRORS);
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
    const ones = Array.from({ length: 64 }, () => 1);
    expect([shapeOf(ones), shapeOf([...ones, 1])]).toEqual([ones, null]);
    expect([shapeOf([2, 0]), shapeOf([]), shapeOf([-1]), shapeOf(['1']), shapeOf(2)]).toEqual([
      [2, 0],
      [],
      null,
      null,
      null,
    ]);
  });

  test('an array without a state is empty', () => {
    const { shape, dtype, isFortran, bytes } = new PickleArray();
    expect([shape, dtype.code, dtype.bytes, isFortran, bytes]).toEqual([[0], 'u1', 1, false, new Uint8Array(0)]);
  });
});

describe('a reader of a part', () => {
  test('asks for more when an instruction may need it, and knows its position', () => {
    const whole = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
    const reader = new PickleReader(whole.subarray(0, 8193), ERRORS, whole.length);
    expect([reader.isShort, reader.remaining]).toEqual([false, 20_000]);
    reader.skip(2);
    expect(reader.isShort).toBe(true);
    reader.place(whole.subarray(2));
    expect([reader.isShort, reader.position, reader.byte()]).toEqual([false, 2, 2]);
    reader.skip(19_000);
    expect([reader.isShort, reader.position, reader.remaining]).toEqual([false, 19_003, 997]);
  });

  test('refers to long strings without reading them, and copies short ones', () => {
    const whole = new Uint8Array(100_000).fill(0x61);
    const part = whole.slice(0, 10_000);
    const reader = new PickleReader(part, ERRORS, whole.length);
    const short = reader.slice(LONGEST_INLINE);
    expect(short).toEqual(whole.subarray(0, LONGEST_INLINE));
    expect(short instanceof Uint8Array && short.buffer !== part.buffer).toBe(true);
    expect(reader.slice(90_000)).toEqual(new FileBytes(LONGEST_INLINE, 90_000));
    expect([reader.position, reader.isShort]).toEqual([94_096, true]);
    reader.place(whole.subarray(94_096));
    expect(reader.utf8(LONGEST_INLINE)).toBe('a'.repeat(LONGEST_INLINE));
    expect(() => reader.slice(5000)).toThrow('expected 5000 more bytes, got 1808');
  });

  test('refers to long text', () => {
    const reader = new PickleReader(new Uint8Array(10), ERRORS, 100_000);
    const text = reader.utf8(LONGEST_INLINE + 1);
    expect(text).toEqual(new PickleText(new FileBytes(0, LONGEST_INLINE + 1)));
    expect(text instanceof PickleText ? text.latin1() : text).toBeNull();
  });
});
