import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { WeightsError } from '../../src/core/errors.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { refusal } from './refusal.js';

/** A file with any header, valid or not, and `dataLength` zero bytes of data. */
function file(header: unknown, dataLength: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const headerOf = (bytes: Uint8Array): string => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + length));
};

const get = (state: StateDict, name: string): Tensor => {
  const tensor = state.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensor;
};

const fixture = new Uint8Array(readFileSync(new URL('fixtures/dtypes.safetensors', import.meta.url)));

describe('a file written by Python', () => {
  const { tensors, metadata } = decodeSafetensors(fixture);
  const values = [0, -0, 1, -2.5, 65504, 2 ** -24, 3 * 2 ** -24, 2 ** -14, 1 / 3, Infinity, -Infinity, NaN];

  test('F64 and F32', () => {
    expect(get(tensors, 'f64')).toEqual({ data: new Float64Array(values), shape: [3, 4] });
    expect(get(tensors, 'f32')).toEqual({ data: new Float32Array(values), shape: [2, 6] });
  });

  test('F16 and BF16 widen exactly: signed zero, subnormals, infinities and NaN', () => {
    const half = [...values];
    half[8] = 0.333251953125;
    expect(get(tensors, 'f16')).toEqual({ data: new Float32Array(half), shape: [12] });
    const brain = [...values.slice(0, 11), 9.183549615799121e-41, 3.00405527047391e38, NaN];
    brain[4] = 65536;
    brain[8] = 0.333984375;
    expect(get(tensors, 'bf16')).toEqual({ data: new Float32Array(brain), shape: [14] });
  });

  test('I64, a scalar, an empty tensor, metadata', () => {
    expect(get(tensors, 'bn.num_batches_tracked')).toEqual({ data: new Float64Array([1234567890123]), shape: [] });
    expect(get(tensors, 'i64')).toEqual({ data: new Float64Array([-1, 0, 2 ** 53]), shape: [3] });
    expect(get(tensors, 'empty')).toEqual({ data: new Float32Array(0), shape: [0, 3] });
    expect([...metadata].sort()).toEqual([
      ['format', 'pt'],
      ['note', 'grüße'],
    ]);
  });

  test.each([1, 2, 3, 5])('is read at offset %i of a buffer, without aliasing it', (shift) => {
    const shifted = new Uint8Array(fixture.length + shift).subarray(shift);
    shifted.set(fixture);
    const read = decodeSafetensors(shifted).tensors;
    shifted.fill(0);
    expect(read).toEqual(tensors);
  });

  test('is read from a Buffer, whose slice is a view', () => {
    expect(decodeSafetensors(Buffer.from(fixture)).tensors).toEqual(tensors);
  });
});

describe('encodeSafetensors', () => {
  const state: StateDict = new Map<string, Tensor>([
    ['b', { data: new Float32Array([1, -0, 3e-45]), shape: [3, 1] }],
    ['bn.num_batches_tracked', { data: new Float32Array([7]), shape: [] }],
    ['a', { data: new Float64Array([0.1, NaN, Infinity, -2]), shape: [2, 2] }],
    ['2', { data: new Float32Array(0), shape: [0] }],
    ['__proto__', { data: new Float32Array([5]), shape: [1] }],
  ]);

  test('preserves every bit, and writes counters as int64', () => {
    const metadata = new Map([
      ['k', '"v"\n'],
      ['__proto__', 'w'],
    ]);
    const bytes = encodeSafetensors(state, { metadata });
    expect(headerOf(bytes)).toMatch(/^\{"__metadata__":\{"k":/);
    const decoded = decodeSafetensors(bytes);
    expect(decoded.metadata).toEqual(metadata);
    expect(decoded.tensors.size).toBe(5);
    for (const name of ['a', 'b', '2', '__proto__']) expect(decoded.tensors.get(name)).toEqual(state.get(name));
    expect(decoded.tensors.get('bn.num_batches_tracked')).toEqual({ data: new Float64Array([7]), shape: [] });
  });

  test('writes the header in the order of the Map, padded to 8 bytes, and aligns the data', () => {
    const header = headerOf(encodeSafetensors(state));
    expect(header.length % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"b":{"dtype":"F32","shape":[3,1],"data_offsets":[40,52]},' +
        '"bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]},' +
        '"a":{"dtype":"F64","shape":[2,2],"data_offsets":[8,40]},' +
        '"2":{"dtype":"F32","shape":[0],"data_offsets":[52,52]},' +
        '"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[52,56]}}',
    );
  });

  test('writes the type of the option', () => {
    const narrow = decodeSafetensors(encodeSafetensors(state, { dtype: 'float32' })).tensors;
    expect(get(narrow, 'a').data).toEqual(new Float32Array([0.1, NaN, Infinity, -2]));
    const wide = decodeSafetensors(encodeSafetensors(state, { dtype: 'float64' })).tensors;
    expect(get(wide, 'b').data).toEqual(new Float64Array(new Float32Array([1, -0, 3e-45])));
  });

  test('writes an empty state', () => {
    expect(decodeSafetensors(encodeSafetensors(new Map())).tensors.size).toBe(0);
  });

  test.each<[string, Tensor, string, string]>([
    ['w', { data: new Float32Array(3), shape: [2, 2] }, 'the values of [2,2]', '3 values'],
    ['w', { data: new Float32Array(0), shape: [-1, 0] }, 'the values of [-1,0]', '0 values'],
    ['w', { data: new Float64Array([1, 1e300]), shape: [2] }, 'float32 can hold', '1e+300 at element 1'],
    ['x.num_batches_tracked', { data: new Float32Array([1.5]), shape: [] }, 'integers', '1.5 at element 0'],
    ['x.num_batches_tracked', { data: new Float32Array([NaN]), shape: [] }, 'integers', 'NaN at element 0'],
    ['__metadata__', { data: new Float32Array(1), shape: [1] }, 'a tensor name', 'that the format reserves'],
  ])('refuses %s %j', (name, tensor, expected, got) => {
    const encode = (): Uint8Array => encodeSafetensors(new Map([[name, tensor]]), { dtype: 'float32' });
    expect(encode).toThrow(refusal(WeightsError, name, expected, got));
  });
});

describe('a damaged file', () => {
  const f32 = (shape: unknown, data_offsets: unknown): object => ({ dtype: 'F32', shape, data_offsets });
  const tooLong = new Uint8Array(16);
  new DataView(tooLong.buffer).setBigUint64(0, 4_194_305n, true);
  tooLong[8] = 0x7b;
  const absurd = new Uint8Array(16).fill(255);

  const cases: [string, Uint8Array, string, string, string][] = [
    ['no bytes', new Uint8Array(0), 'x.st', 'a safetensors file', 'an empty file'],
    ['a truncated length', fixture.slice(0, 5), 'x.st', 'a safetensors file', '5 bytes: it is cut short'],
    ['a truncated header', fixture.slice(0, 100), 'x.st', '496 bytes of header', '100 bytes'],
    ['a header that is too large', tooLong, 'x.st', 'at most 4194304 bytes', '4194305'],
    [
      'a header of 2^64 - 1 bytes',
      absurd,
      'x.st',
      'a safetensors file',
      'begins with the bytes ff ff ff ff ff ff ff ff',
    ],
    ['a file of another format', file('PK zip', 0), 'x.st', 'a safetensors file', 'begins with the bytes 06 00'],
    ['an empty header', file('', 0), 'x.st', 'a safetensors file', 'only zeros'],
    ['an array', file('[]', 0), 'x.st', 'a safetensors file', 'begins with the bytes 02 00'],
    ['truncated JSON', file('{"a":', 0), 'x.st', 'JSON object', 'JSON'],
    ['invalid UTF-8', new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), 'x.st', 'JSON object', ''],
    ['a number instead of an entry', file({ a: 3 }, 0), 'x.st: a', 'dtype, shape and data_offsets', '3'],
    ['null instead of an entry', file({ a: null }, 0), 'x.st: a', 'dtype, shape and data_offsets', 'null'],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'x.st: a', 'shape', 'F32'],
    ['no offsets', file({ a: { dtype: 'F32', shape: [1] } }, 4), 'x.st: a', 'data_offsets', 'F32'],
    ['an unsupported dtype', file({ a: { ...f32([1], [0, 4]), dtype: 'U8' } }, 4), 'x.st: a', 'F64, F32, F16', '"U8"'],
    ['a hostile dtype', file({ a: { ...f32([1], [0, 4]), dtype: 'toString' } }, 4), 'x.st: a', 'F64', '"toString"'],
    ['a negative size', file({ a: f32([-1, -1], [0, 4]) }, 4), 'x.st: a', 'integers >= 0', '[-1,-1]'],
    ['a fractional size', file({ a: f32([0.5, 2], [0, 4]) }, 4), 'x.st: a', 'integers >= 0', '[0.5,2]'],
    ['a size that is too large', file({ a: f32([2 ** 60], [0, 4]) }, 4), 'x.st: a', 'integers >= 0', '[1152921504606'],
    ['a shape that is a string', file({ a: f32('1', [0, 4]) }, 4), 'x.st: a', 'integers >= 0', '"1"'],
    [
      'sizes whose product is too large',
      file({ a: f32([2 ** 52, 2 ** 52], [0, 4]) }, 4),
      'x.st: a',
      'bytes for F32',
      '4',
    ],
    ['one offset', file({ a: f32([1], [4]) }, 4), 'x.st: a', '[begin, end]', '[4]'],
    ['offsets in reverse order', file({ a: f32([1], [4, 0]) }, 4), 'x.st: a', '[begin, end]', '[4,0]'],
    ['a negative offset', file({ a: f32([1], [-4, 0]) }, 4), 'x.st: a', '[begin, end]', '[-4,0]'],
    ['a shape larger than the data', file({ a: f32([2], [0, 4]) }, 4), 'x.st: a', '8 bytes for F32 [2]', '4'],
    ['an overlap', file({ a: f32([2], [0, 8]), b: f32([1], [4, 8]) }, 8), 'x.st: b', 'from 8 on', '4: an overlap'],
    ['a hole', file({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12), 'x.st: b', 'from 4 on', '8: a hole'],
    ['a hole at the beginning', file({ a: f32([1], [4, 8]) }, 8), 'x.st: a', 'from 0 on', '4: a hole'],
    ['truncated data', fixture.slice(0, -1), 'x.st', '228 bytes of data', '227'],
    ['data that are too long', new Uint8Array([...fixture, 0]), 'x.st', '228 bytes of data', '229'],
    [
      'offsets far beyond the end',
      file({ a: f32([2 ** 40], [0, 2 ** 42]) }, 4),
      'x.st',
      `${2 ** 42} bytes of data`,
      '4',
    ],
    [
      'a tensor twice',
      file(`{"a":${JSON.stringify(f32([1, 2], [0, 8]))},"a":${JSON.stringify(f32([2, 1], [0, 8]))}}`, 8),
      'x.st',
      'each key once',
      'repeated keys: 4, counting those inside a repeated tensor',
    ],
    [
      'a dtype twice',
      file('{"a":{"dtype":"F16","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      'x.st',
      'once',
      'repeated keys: 1,',
    ],
    [
      'metadata that are not an object',
      file({ __metadata__: 'pt' }, 0),
      '__metadata__',
      'an object of strings',
      '"pt"',
    ],
    ['metadata with a number', file({ __metadata__: { n: 3 } }, 0), '__metadata__', 'only strings', '3 under "n"'],
    [
      'an integer beyond 2^53',
      (() => {
        const bytes = file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
        bytes.set([1, 0, 0, 0, 0, 0, 0x20, 0], bytes.length - 8);
        return bytes;
      })(),
      'x.st: a',
      'at most 2^53',
      '9007199254740993 at element 0',
    ],
  ];

  test.each(cases)('is refused: %s', (_, bytes, op, expected, got) => {
    expect(() => decodeSafetensors(bytes, 'x.st')).toThrow(refusal(WeightsError, op, expected, got));
  });

  test('colons and quotes in names do not count as keys', () => {
    const state = new Map([['a":"b\\', { data: new Float32Array(1), shape: [1] }]]);
    expect([...decodeSafetensors(encodeSafetensors(state)).tensors.keys()]).toEqual(['a":"b\\']);
  });

  test('the name __proto__ is valid', () => {
    const bytes = file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4);
    expect([...decodeSafetensors(bytes).tensors.keys()]).toEqual(['__proto__']);
    expect('dtype' in {}).toBe(false);
  });

  test('every prefix of a file is refused', () => {
    for (let length = 0; length < fixture.length; length++) {
      expect(() => decodeSafetensors(fixture.slice(0, length))).toThrow(WeightsError);
    }
  });
});
