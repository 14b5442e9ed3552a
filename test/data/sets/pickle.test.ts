import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DataError } from '../../../src/core/errors.js';
import {
  integersOf,
  MAX_DICTIONARIES,
  MAX_OBJECTS,
  pixelsOf,
  readPickle,
  transpose,
} from '../../../src/data/sets/pickle.js';
import { PickleArray, textOf, type PickleValue } from '../../../src/io/pickle/pickleValues.js';
import { refusal } from '../../io/refusal.js';
import { array, bytes, dict, global, int, list, pickle, scalar, str, tuple } from './pickleWriter.js';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`fixtures/${name}.pickle`, import.meta.url));

function mapOf(value: PickleValue): Map<PickleValue, PickleValue> {
  if (value instanceof Map) return value;
  throw new Error('no dictionary');
}

const sequence = new Uint8Array([0, 1, 2, 3, 4, 5]);

function arrayOf(value: PickleValue | undefined): PickleArray {
  if (value instanceof PickleArray) return value;
  throw new Error('no array');
}

function bytesOfArray({ bytes: data }: PickleArray): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new Error('no bytes in memory');
}

/** Copies views, to compare their content. */
function expectSequence(value: PickleValue | undefined): void {
  const { shape, dtype } = arrayOf(value);
  expect({ shape, code: dtype.code, pixels: [...(pixelsOf(arrayOf(value)) ?? [])] }).toEqual({
    ...{ shape: [2, 3], code: 'u1', pixels: [...sequence] },
  });
}

describe('reads', () => {
  test('protocol 2, as Python 2 writes it', () => {
    const labels = list([int(3), int(-9)]);
    const read = mapOf(readPickle(pickle(dict({ labels, data: array([2, 3], sequence), name: str('caf\xe9') })), 'x'));
    expectSequence(read.get('data'));
    expect(read.get('labels')).toEqual([3, -9]);
    expect(textOf(read.get('name'))).toBe('café');
  });

  test('protocol 3, with bytes', () => {
    const read = mapOf(readPickle(fixture('protocol3'), 'x'));
    expect([...read.keys()]).toEqual(['batch_label', 'labels', 'data']);
    expect(textOf(read.get('batch_label'))).toBe('café');
    expect(read.get('labels')).toEqual([3, 9]);
    expectSequence(read.get('data'));
  });

  test.each(['protocol4', 'protocol5'])('%s, with text, large integers, and one array twice', (name) => {
    const read = mapOf(readPickle(fixture(name), 'x'));
    expect(read.get('batch_label')).toBe('grüße');
    expect(read.get('labels')).toEqual([3, 9, -1, 300, 70000, 2 ** 40]);
    expect(read.get('ok')).toEqual([true, null]);
    expectSequence(read.get('data'));
    expect(read.get('same')).toBe(read.get('data'));
  });

  test('single items, and keys that are numbers', () => {
    expect(readPickle(pickle([0x5d, 0x4b, 7, 0x61, 0x4b, 8, 0x61]), 'x')).toEqual([7, 8]);
    expect(readPickle(pickle([0x7d, 0x4b, 5, 0x4e, 0x73]), 'x')).toEqual(new Map([[5, null]]));
  });

  test('text with a length of 8 bytes, and entries of the memo with a number of 4', () => {
    const text = [0x8d, 2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62];
    const entry = [0x01, 0x02, 0, 0];
    const repeated = [0x5d, ...text, 0x72, ...entry, 0x61, 0x6a, ...entry, 0x61];
    expect(readPickle(pickle(repeated), 'x')).toEqual(['ab', 'ab']);
  });

  test.each(['fortran4', 'fortran5'])('%s: arrays in Fortran order', (name) => {
    expectSequence(mapOf(readPickle(fixture(name), 'x')).get('data'));
  });
});

describe('integers', () => {
  const codes: [string, number[]][] = [
    ['u1', [0, 255]],
    ['i1', [-128, 127]],
    ['u2', [1, 65535]],
    ['i2', [-32768, 258]],
    ['u4', [1, 2 ** 32 - 1]],
    ['i4', [-(2 ** 31), 66051]],
    ['u8', [1, 2 ** 53 - 1]],
    ['i8', [-(2 ** 53 - 1), 2 ** 40 + 3]],
  ];

  /** Bytes of numbers of a type. */
  function bytesOf(values: readonly number[], code: string, order: '<' | '>'): Uint8Array {
    const width = Number(code[1]);
    const bytes = values.map((value) =>
      Array.from({ length: width }, (_, i) => Number(BigInt.asUintN(8, BigInt(value) >> BigInt(8 * i)))),
    );
    return Uint8Array.from(bytes.flatMap((all) => (order === '<' ? all : all.reverse())));
  }

  test.each(codes)('of type %s, in both byte orders', (code, values) => {
    for (const order of ['<', '>'] as const) {
      const read = arrayOf(readPickle(pickle(array([2], bytesOf(values, code, order), code, order)), 'x'));
      expect([integersOf(read), read.dtype.bytes]).toEqual([values, Number(code[1])]);
      expect(pixelsOf(read)?.length).toBe(code === 'u1' ? 2 : undefined);
      const [first] = values;
      const one = scalar(bytesOf([first], code, order), code, order);
      expect(readPickle(pickle(list([one])), 'x')).toEqual([first]);
    }
  });

  test('of int64, as numpy writes them', () => {
    const arrays = [...mapOf(readPickle(fixture('int64'), 'x')).values()].filter(
      (value) => value instanceof PickleArray,
    );
    expect(arrays.map(({ dtype }) => dtype.code)).toEqual(['i8']);
  });

  test('arrays of other than one dimension have no list', () => {
    expect(integersOf(arrayOf(readPickle(pickle(array([2, 1], Uint8Array.of(1, 2))), 'x')))).toBeNull();
  });

  test.each([
    ['too short', scalar(new Uint8Array(7), 'i8')],
    ['too long', scalar(new Uint8Array(9), 'i8')],
    ['of no type', [...global('numpy.core.multiarray', 'scalar'), ...tuple(str('i8'), str('12345678')), 0x52]],
    ['of None', [...global('numpy.core.multiarray', 'scalar'), ...tuple([0x4e], str('12345678')), 0x52]],
    // Its bytes are replaced by None.
    ['without bytes', scalar(new Uint8Array(8), 'i8').toSpliced(-15, 13, 0x4e)],
  ])('a scalar that is %s is refused', (_, instructions) => {
    expect(() => readPickle(pickle(instructions), 'x')).toThrow(
      refusal(DataError, 'x', 'the type and bytes of an integer', 'something else'),
    );
  });
});

describe('bytes as text in Latin-1, as Python 3 writes them in protocol 2', () => {
  const unicode = (text: string): number[] => {
    const utf8 = Buffer.from(text);
    return [0x58, utf8.length & 255, (utf8.length >> 8) & 255, utf8.length >> 16, 0, ...utf8];
  };
  const encode = (text: string, encoding = 'latin1'): number[] => [
    ...global('_codecs', 'encode'),
    ...tuple(unicode(text), unicode(encoding)),
    0x52,
  ];

  test('are read', () => {
    expect(readPickle(pickle(encode('a\u0000\u007f\u0080\u00ff')), 'x')).toEqual(Uint8Array.of(97, 0, 127, 128, 255));
  });

  test('are read from long text, and made once for each', () => {
    for (const length of [2 ** 16, 2 ** 16 + 1]) {
      const text = `${'a'.repeat(length - 2)}\u00ff`;
      const memo = [...unicode(text), 0x71, 1];
      const call = (argument: number[]): number[] => [
        ...global('_codecs', 'encode'),
        ...tuple(argument, unicode('latin1')),
        0x52,
      ];
      const read = readPickle(pickle(list([call(memo), call([0x68, 1])])), 'x');
      if (!Array.isArray(read)) throw new Error('no list');
      expect(read[0]).toBeInstanceOf(Uint8Array);
      expect(Buffer.from(text, 'latin1').equals(read[0] as Uint8Array)).toBe(true);
      expect(read[1]).toBe(read[0]);
    }
  });

  test('long text is no key and no name', () => {
    const long = unicode('a'.repeat(2 ** 16 + 1));
    expect(() => readPickle(pickle([0x7d, ...long, 0x4e, 0x73]), 'x')).toThrow(
      refusal(DataError, 'x', 'keys that are strings', 'another key'),
    );
    expect(() => readPickle(pickle([...long, ...long, 0x93]), 'x')).toThrow(
      refusal(DataError, 'x', 'the name of a class', 'another value'),
    );
  });

  test('are made once for a text', () => {
    const read = readPickle(pickle(list([encode('abc'), encode('abc'), encode('abd')])), 'x');
    if (!Array.isArray(read)) throw new Error('no list');
    expect(read[0]).toBe(read[1]);
    expect(read[2]).not.toBe(read[0]);
  });

  test.each([
    ['another encoding', encode('a', 'rot13'), 'text and latin1', 'something else'],
    ['bytes', [...global('_codecs', 'encode'), ...tuple(str('a'), unicode('latin1')), 0x52], 'text and latin1', 'else'],
    ['letters above U+00FF', encode('\u0161'), 'text of Latin-1', 'other letters'],
    ['long text with letters above U+00FF', encode('\u0161'.repeat(2 ** 15 + 1)), 'text of Latin-1', 'other letters'],
    ['letters above U+FFFF', encode('🐱'), 'text of Latin-1', 'other letters'],
  ])('%s are refused', (_, instructions, expected, got) => {
    expect(() => readPickle(pickle(instructions), 'x')).toThrow(refusal(DataError, 'x', expected, got));
  });
});

test('many references to one array in Fortran order are read without a copy', () => {
  const data = Uint8Array.of(0, 3, 1, 4, 2, 5);
  const one = array([2, 3], data, 'u1', '|', true);
  const many = list(Array.from({ length: 200 }, () => [...one]));
  const read = readPickle(pickle(many), 'x');
  if (!Array.isArray(read)) throw new Error('no list');
  const [first] = read.map(arrayOf);
  expect(read).toHaveLength(200);
  expect(bytesOfArray(first).buffer.byteLength).toBeGreaterThan(200 * 6);
  expect([...(pixelsOf(first) ?? [])]).toEqual([...sequence]);
  expect(pixelsOf(first)?.buffer).not.toBe(bytesOfArray(first).buffer);
});

test('arrays in Fortran order of one dimension are views, of three are refused', () => {
  const flat = arrayOf(readPickle(pickle(array([6], sequence, 'u1', '|', true)), 'x'));
  expect([...(pixelsOf(flat) ?? [])]).toEqual([...sequence]);
  expect(pixelsOf(flat)?.buffer).toBe(bytesOfArray(flat).buffer);
  expect(pixelsOf(arrayOf(readPickle(pickle(array([1, 2, 3], sequence, 'u1', '|', true)), 'x')))).toBeNull();
  expect(pixelsOf(arrayOf(readPickle(pickle(array([1, 2, 3], sequence)), 'x')))).toEqual(sequence);
});

describe('a pickle may create', () => {
  const repeat = (count: number, body: number[]): Uint8Array =>
    Uint8Array.from([0x80, 4, ...Array.from({ length: count }, () => body).flat(), 0x2e]);
  const limit = (count: number): string => `at most ${count} values, marks and memo entries`;

  test.each<[string, number[], number]>([
    ['values', [0x4e], 1],
    ['marks', [0x28], 1],
    ['lists, and memo entries by MEMOIZE', [0x5d, 0x94], 2],
    ['values, and memo entries by BINPUT', [0x4e, 0x71, 1], 2],
    ['values, and memo entries by LONG_BINPUT', [0x4e, 0x72, 1, 0, 0, 0], 2],
    ['references', [0x4e, 0x71, 1, 0x68, 1], 3],
  ])('so many %s', (_, body, each) => {
    expect(() => readPickle(repeat(10, body), 'x', 10 * each)).not.toThrow(limit(10 * each));
    expect(() => readPickle(repeat(10, body), 'x', 10 * each - 1)).toThrow(
      refusal(DataError, 'x', limit(10 * each - 1), 'more'),
    );
  });

  test('4,000,000 objects by default', () => {
    const marks = new Uint8Array(2 + MAX_OBJECTS + 2).fill(0x28);
    marks.set([0x80, 2]);
    marks[marks.length - 1] = 0x2e;
    expect(() => readPickle(marks, 'x')).toThrow(refusal(DataError, 'x', limit(4_000_000), 'more'));
    marks[marks.length - 2] = 0x2e;
    expect(() => readPickle(marks, 'x')).toThrow(refusal(DataError, 'x', 'a value', 'none'));
  });

  test('so many dictionaries', () => {
    const dictionaries = `at most ${MAX_DICTIONARIES} dictionaries`;
    const most = Array.from({ length: MAX_DICTIONARIES }, () => [0x7d]);
    expect(readPickle(pickle(list(most)), 'x')).toHaveLength(MAX_DICTIONARIES);
    expect(() => readPickle(pickle(list([...most, [0x7d]])), 'x')).toThrow(
      refusal(DataError, 'x', dictionaries, 'more'),
    );
  });

  test('keys of up to 65,536 bytes', () => {
    const key = (length: number): Uint8Array => pickle([0x7d, ...bytes(new Uint8Array(length)), 0x4e, 0x73]);
    expect([...mapOf(readPickle(key(2 ** 16), 'x')).keys()]).toEqual(['\0'.repeat(2 ** 16)]);
    expect(() => readPickle(key(2 ** 16 + 1), 'x')).toThrow(refusal(DataError, 'x', 'keys that are strings', 'key'));
  });
});

describe('refuses', () => {
  const call = (module: string, name: string): Uint8Array =>
    pickle([...global(module, name), ...tuple(str('echo pwned')), 0x52]);
  const raw = (...body: number[]): Uint8Array => Uint8Array.from(body);

  const cases: [string, Uint8Array, string, string][] = [
    ['os.system', call('os', 'system'), 'nothing but data', 'os.system'],
    ['builtins.eval', call('builtins', 'eval'), 'nothing but data', 'builtins.eval'],
    ['another name of numpy', call('numpy', 'load'), 'nothing but data', 'numpy.load'],
    [
      'a global by STACK_GLOBAL',
      raw(0x80, 4, 0x8c, 5, ...Buffer.from('posix'), 0x8c, 6, ...Buffer.from('system'), 0x93, 0x2e),
      'nothing but data',
      'posix.system',
    ],
    ['numpy.ndarray called', call('numpy', 'ndarray'), 'a constructor', 'numpy.ndarray'],
    ['a type of floats', pickle(array([2], new Uint8Array(8), 'f4')), 'u1, i1, u2, i2, u4, i4, u8, i8', 'f4'],
    ['a type of no name', pickle([...global('numpy', 'dtype'), ...tuple(), 0x52]), 'a type of integers', 'of no name'],
    ['a type of objects', pickle(array([1], new Uint8Array(8), 'O8')), 'a type of integers', 'O8'],
    ['too few bytes of int64', pickle(array([2], new Uint8Array(8), 'i8')), '16 bytes for an array [2]', '8'],
    ['an instance (NEWOBJ)', raw(0x80, 2, 0x29, 0x29, 0x81, 0x2e), 'the name of a class', 'something else'],
    [
      'an instance of an array',
      pickle([...global('numpy', 'ndarray'), 0x29, 0x81]),
      'a constructor of numpy',
      'numpy.ndarray',
    ],
    ['INST', raw(0x80, 2, 0x28, 0x69, ...Buffer.from('os\nsystem\n'), 0x2e), 'nothing but data', 'os.system'],
    ['a persistent id', raw(0x80, 2, 0x4e, 0x51, 0x2e), 'plain data', 'a persistent id'],
    ['an extension', raw(0x80, 2, 0x82, 1, 0x2e), 'plain data', 'opcode 0x82 (EXT1)'],
    ['protocol 0', Buffer.from('(lp0\n.'), 'protocol 2 to 5', 'another beginning'],
    ['protocol 6', raw(0x80, 6, 0x4e, 0x2e), 'protocol 2 to 5', 'another beginning'],
    ['nothing', raw(), '1 more bytes', '0: the file is truncated'],
    ['only a STOP', raw(0x80, 2, 0x2e), 'a value', 'none'],
    ['two values', raw(0x80, 2, 0x4e, 0x4e, 0x2e), 'one value', 'more'],
    ['something after the end', raw(0x80, 2, 0x4e, 0x2e, 0, 0), 'nothing after the end', '2 bytes'],
    ['a string of 2 GiB', raw(0x80, 2, 0x54, 255, 255, 255, 127, 0x2e), '2147483647 more bytes', '1:'],
    ['a string of -1', raw(0x80, 2, 0x54, 255, 255, 255, 255, 0x2e), '4294967295 more bytes', '1:'],
    ['bytes of 2^64', raw(0x80, 4, 0x8e, ...Array<number>(8).fill(255), 0x2e), '18446744073709552000 more', '1:'],
    ['an integer of 255 bytes', raw(0x80, 2, 0x8a, 255, 0x2e), '255 more bytes', '1:'],
    ['an integer of 2^32 bytes', raw(0x80, 2, 0x8b, 255, 255, 255, 255, 0x2e), 'at most 1024 bytes', '4294967295'],
    ['a global without an end', raw(0x80, 2, 0x63, 0x6f, 0x73), 'a line', 'no end'],
    ['an opcode of one digit', raw(0x80, 2, 0x01, 0x2e), 'plain data', 'opcode 0x01'],
    ['a name of None', raw(0x80, 4, 0x8c, 1, 0x61, 0x4e, 0x93, 0x2e), 'the name of a class', 'another value'],
    ['a module of None', raw(0x80, 4, 0x4e, 0x8c, 1, 0x61, 0x93, 0x2e), 'the name of a class', 'another value'],
    ['an append to no list', raw(0x80, 2, 0x4e, 0x4e, 0x61, 0x2e), 'a list', 'something else'],
    ['an append of what is below a mark', raw(0x80, 2, 0x5d, 0x4e, 0x28, 0x61, 0x2e), 'a value', 'none'],
    ['an item of no dictionary', raw(0x80, 2, 0x4e, 0x4e, 0x4e, 0x73, 0x2e), 'a dictionary', 'something else'],
    ['an odd number of items', raw(0x80, 2, 0x7d, 0x28, 0x4e, 0x75, 0x2e), 'a dictionary and pairs', 'something else'],
    ['a list as a key', raw(0x80, 2, 0x7d, 0x5d, 0x4e, 0x73, 0x2e), 'keys that are strings', ''],
    ['a mark instead of a value', raw(0x80, 2, 0x4e, 0x28, 0x61, 0x2e), 'a value', 'none'],
    ['no mark', raw(0x80, 2, 0x65, 0x2e), 'a mark', 'none'],
    ['an unknown memory', raw(0x80, 2, 0x68, 7, 0x2e), 'a value of the memo', 'number 7'],
    ['a call of a value that is no function', raw(0x80, 2, 0x4e, 0x29, 0x52, 0x2e), 'the name of a class', 'else'],
    ['a state for no array', raw(0x80, 2, 0x5d, 0x29, 0x62, 0x2e), 'an object to set the state of', 'something else'],
    ['an array with too few bytes', pickle(array([2, 4], sequence)), '8 bytes for an array [2,4]', '6'],
    ['a negative shape', pickle(array([-2, -3], sequence)), 'the shape', 'something else'],
    ['an absurd shape', pickle(array([2 ** 31 - 1, 2 ** 31 - 1], sequence)), 'bytes for an array', '6'],
  ];

  test('says what to do', () => {
    expect(() => readPickle(raw(0x80, 2, 0x2e), 'x')).toThrow(
      expect.objectContaining({
        hint: 'Download the archive again. In batches of your own use lists, strings, integers and arrays of numpy.',
      }),
    );
  });

  test.each(cases)('%s', (_, file, expected, got) => {
    expect(() => readPickle(file, 'x.pickle')).toThrow(refusal(DataError, 'x.pickle', expected, got));
  });

  test('every prefix of a pickle', () => {
    const whole = fixture('protocol5');
    for (let length = 0; length < whole.length; length++) {
      expect(() => readPickle(whole.subarray(0, length), 'x')).toThrow(DataError);
    }
  });

  test('throws only DataErrors, whatever byte is damaged', () => {
    for (const name of ['protocol3', 'protocol4', 'protocol5']) {
      const whole = fixture(name);
      for (let at = 0; at < whole.length; at++) {
        for (const byte of [0, 0x28, 0x52, 0x62, 0x7f, 0x94, 255]) {
          const damaged = Uint8Array.from(whole);
          damaged[at] = byte;
          try {
            readPickle(damaged, 'x');
          } catch (error) {
            // An `expect` each would take longer than reading.
            if (!(error instanceof DataError)) throw error;
          }
        }
      }
    }
  });
});

test('reads a hundred thousand nested lists, and a list that contains itself, without recursion', () => {
  const deep = new Uint8Array(200_002).fill(0x5d, 2, 100_002).fill(0x61, 100_002);
  deep.set([0x80, 2]);
  deep[deep.length - 1] = 0x2e;
  expect(Array.isArray(readPickle(deep, 'x'))).toBe(true);

  const itself = readPickle(Uint8Array.from([0x80, 2, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e]), 'x');
  expect(Array.isArray(itself) && itself[0] === itself).toBe(true);
});

test('__proto__ is a key like any other', () => {
  const read = mapOf(readPickle(pickle(dict({ ['__proto__']: dict({ polluted: int(1) }) })), 'x'));
  expect([...read.keys()]).toEqual(['__proto__']);
  expect('polluted' in {}).toBe(false);
});

describe('arrays', () => {
  test('an array of more than 4,000,000 elements has no list', () => {
    const values = new PickleArray();
    values.shape = [MAX_OBJECTS];
    expect([MAX_OBJECTS, integersOf(values)]).toEqual([4_000_000, []]);
    values.shape = [MAX_OBJECTS + 1];
    expect(integersOf(values)).toBeNull();
  });

  test('column-major data in row-major order', () => {
    expect(transpose(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Uint8Array.of(1, 3, 5, 2, 4, 6));
    expect(transpose(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, 2)).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 6));
    expect(transpose(new Uint8Array(0), 0, 4)).toEqual(new Uint8Array(0));
  });
});
