/** A byte a weight: what comes back is within half a scale, from a whole file or a stream. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { uniform } from '../../src/core/philox.js';
import { sizeOf, type StateDict, type Tensor } from '../../src/core/tensor.js';
import { collectState } from '../../src/core/weights.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { quantize, scalesOf } from '../../src/io/int8.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { loadModel } from '../../src/model/loadModel.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { refusal } from './refusal.js';

const int8 = { dtype: 'int8' } as const;

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const streamed = async (bytes: Uint8Array, size: number): Promise<StateDict> =>
  collectState(await streamSafetensors(inChunks(bytes, size), 'net'));

/** Rows of magnitudes from 1e-45, where scales are subnormal, to 1e38, one of them of zeros. */
function drawn(seed: number, shape: readonly number[], decades = 83): Tensor {
  const width = sizeOf(shape.slice(1));
  const few = Array.from({ length: 1009 }, (_, i) => 2 * uniform(seed, 2, i) - 1);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const row = Math.floor(i / width);
    const size = row === 2 ? 0 : 10 ** (decades * uniform(seed, 1, row) - 45);
    return size * few[i % few.length];
  });
  return { data, shape };
}

/** A file of this header, and so many bytes of data. */
function file(header: object, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const shapes = [
  [1, 1],
  [5, 7],
  [9, 3, 2, 2],
  [40, 97],
  [3, 70_001],
  [0, 4],
  [4, 0],
];

describe('what comes back', () => {
  test.each([...shapes.map((shape, i) => [shape, i, 83] as const), [[60, 9], 9, 4] as const])(
    'of %j is within half a scale, of any magnitude',
    async (shape, seed, decades) => {
      const given = drawn(seed, shape, decades);
      const bytes = encodeSafetensors(new Map([['w', given]]), int8);
      const back = decodeSafetensors(bytes).tensors;
      expect([...back.keys()]).toEqual(['w']);
      const { data } = back.get('w') ?? { data: new Float32Array(0) };
      expect(data).toBeInstanceOf(Float32Array);
      const scales = scalesOf(given.data, shape[0], 'w');
      const width = sizeOf(shape.slice(1));
      // Half a step by rounding to a whole number; then the product is rounded to float32: 2^-24 of it, or half
      // of the smallest subnormal, and the quotient to float64.
      const excess = [...data].map((v, i) => {
        const scale = scales[Math.floor(i / width)];
        return Math.abs(v - given.data[i]) - (scale * (0.5 + 2 ** -40) + Math.max(127 * scale * 2 ** -24, 2 ** -150));
      });
      expect(excess.filter((v) => !(v <= 0))).toEqual([]);
      const parts = (await streamed(bytes, 7777)).get('w')?.data ?? new Float64Array(0);
      // Arrays of many values take the test runner long to compare.
      expect(Buffer.compare(Buffer.from(parts.buffer), Buffer.from(data.buffer))).toBe(0);
    },
  );

  test('is a byte a weight, and four a channel', () => {
    const state = new Map([['w', drawn(1, [40, 409])]]);
    const [narrow, wide] = [encodeSafetensors(state, int8), encodeSafetensors(state, { dtype: 'float32' })];
    // The header has an entry more.
    expect(narrow.length).toBeLessThan(40 * 409 + 4 * 40 + 256);
    expect(wide.length).toBeGreaterThan(4 * 40 * 409);
  });

  test('of two equally near numbers is the even one, and the largest is exact', () => {
    const values = Float64Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, -127);
    const target = new Int8Array(values.length);
    const scales = scalesOf(values, 1, 'w');
    quantize(values, scales, target);
    expect([...scales]).toEqual([1]);
    expect([...target]).toEqual([127, 0, 2, 2, 0, -2, 126, -127]);
  });

  test('of vectors, statistics and counters is as wide as before', () => {
    const state: StateDict = new Map([
      ['bias', { data: Float32Array.of(0.1, 1e30), shape: [2] }],
      ['bn.running_var', { data: Float64Array.of(1e-9), shape: [1] }],
      ['bn.num_batches_tracked', { data: Float32Array.of(70_001), shape: [] }],
    ]);
    const back = decodeSafetensors(encodeSafetensors(state, int8)).tensors;
    expect([...back].map(([name, { data }]) => [name, ...data])).toEqual([
      ['bias', Math.fround(0.1), Math.fround(1e30)],
      ['bn.running_var', Math.fround(1e-9)],
      ['bn.num_batches_tracked', 70_001],
    ]);
  });

  test('is a model, whole or in pieces', async () => {
    const config = drawnConfig('deploy');
    const metadata = writeConfig(config);
    const bytes = encodeSafetensors(drawnState(config), { metadata, ...int8 });
    const same = encodeSafetensors(decodeSafetensors(bytes).tensors, { metadata, dtype: 'float32' });
    const { data } = drawnImages(config, 1);
    const logits = await (await loadModel(same)).forward(data);
    expect(await (await loadModel(bytes)).forward(data)).toEqual(logits);
    expect(await (await loadModel(inChunks(bytes, 777))).forward(data)).toEqual(logits);
  });
});

describe('what cannot be written', () => {
  test.each([NaN, Infinity, 1e300, 3.4028235e38])('%d', (value) => {
    const state = new Map([['w', { data: Float64Array.of(1, -1, value, 0), shape: [2, 2] }]]);
    expect(() => encodeSafetensors(state, int8)).toThrow(
      refusal(WeightsError, 'w', 'int8 and a float32 scale can hold', `${value} ${value < 1e39 ? 'in row' : 'at'}`),
    );
  });

  test('a tensor with the name of scales', () => {
    const state = new Map([
      ['w', { data: new Float32Array(4), shape: [2, 2] }],
      ['w_scale', { data: new Float32Array(2), shape: [2] }],
    ]);
    expect(() => encodeSafetensors(state, int8)).toThrow(
      refusal(WeightsError, 'w_scale', 'a name other than that of int8 scales', ''),
    );
    // Elsewhere it is a name like any other.
    expect(decodeSafetensors(encodeSafetensors(state)).tensors.size).toBe(2);
  });
});

describe('scales that are none', () => {
  const i8 = (begin: number, shape = [2, 3]): object => ({ dtype: 'I8', shape, data_offsets: [begin, begin + 6] });
  const f32 = (begin: number, shape: readonly number[], end = begin + 4 * sizeOf(shape)): object => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const behind = 'F32 [2] before w, which it scales';
  const scale = (...values: number[]): Uint8Array => new Uint8Array([...bytesOf(values), ...new Uint8Array(6)]);
  const bytesOf = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const good = { w_scale: f32(0, [2]), w: i8(8) };

  const cases: [string, Uint8Array, string, string, string][] = [
    ['missing', file({ w: i8(0) }, new Uint8Array(6)), 'net: w_scale', behind, 'none of that name'],
    ['too few', file({ w_scale: f32(0, [1]), w: i8(4) }, new Uint8Array(10)), 'net: w_scale', behind, 'F32 [1]'],
    ['too many', file({ w_scale: f32(0, [3]), w: i8(12) }, new Uint8Array(18)), 'net: w_scale', behind, 'F32 [3]'],
    ['of another rank', file({ w_scale: f32(0, [2, 1]), w: i8(8) }, scale(1, 1)), 'net: w_scale', behind, '[2,1]'],
    [
      'of another type',
      file({ w_scale: { dtype: 'F16', shape: [2], data_offsets: [0, 4] }, w: i8(4) }, new Uint8Array(10)),
      'net: w_scale',
      behind,
      'F16 [2]',
    ],
    ['behind', file({ w: i8(0), w_scale: f32(6, [2]) }, new Uint8Array(14)), 'net: w_scale', behind, 'after it'],
    ['of a vector', file({ w: i8(0, [6]) }, new Uint8Array(6)), 'net: w', 'two dimensions or more', '[6]'],
    ['negative', file(good, scale(1, -1)), 'net: w_scale', 'finite scales >= 0', '-1 at element 1'],
    ['infinite', file(good, scale(Infinity, 1)), 'net: w_scale', 'finite scales >= 0', 'Infinity at element 0'],
    ['no numbers', file(good, scale(1, NaN)), 'net: w_scale', 'finite scales >= 0', 'NaN at element 1'],
  ];

  test.each(cases)('%s', async (_, bytes, op, expected, got) => {
    expect(() => decodeSafetensors(bytes, 'net')).toThrow(refusal(WeightsError, op, expected, got));
    await expect(streamed(bytes, 3)).rejects.toThrow(refusal(WeightsError, op, expected, got));
  });

  test('but these are some', async () => {
    const bytes = file(good, new Uint8Array([...bytesOf([0.5, 2]), 1, 255, 128, 127, 0, 3]));
    const expected = new Map([['w', { data: Float32Array.of(0.5, -0.5, -64, 254, 0, 6), shape: [2, 3] }]]);
    expect(decodeSafetensors(bytes).tensors).toEqual(expected);
    expect(await streamed(bytes, 3)).toEqual(expected);
  });

  test('no part of a file is taken for the whole, in a stream', async () => {
    const whole = file(good, scale(1, 1));
    for (let length = 0; length < whole.length; length++) {
      await expect(streamed(whole.subarray(0, length), 5)).rejects.toThrow(WeightsError);
    }
  });
});
