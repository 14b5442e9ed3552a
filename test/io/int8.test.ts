/** One byte per weight: the values read, from bytes or from a stream, are within half a scale of the original. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { uniform } from '../../src/core/philox.js';
import { sizeOf, type StateDict, type Tensor } from '../../src/core/tensor.js';
import { collectState } from '../../src/core/weights.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { quantize, readScales, scalesOf } from '../../src/io/int8.js';
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

/** Rows with magnitudes from 1e-45, where scales are subnormal, to 1e38; the third row is zero. */
function randomRows(seed: number, shape: readonly number[], decades = 83): Tensor {
  const width = sizeOf(shape.slice(1));
  const pattern = Array.from({ length: 1009 }, (_, i) => 2 * uniform(seed, 2, i) - 1);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const row = Math.floor(i / width);
    const size = row === 2 ? 0 : 10 ** (decades * uniform(seed, 1, row) - 45);
    return size * pattern[i % pattern.length];
  });
  return { data, shape };
}

/** A weight file made of a header and its data. */
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

describe('int8 in a file', () => {
  test.each([...shapes.map((shape, i) => [shape, i, 83] as const), [[60, 9], 9, 4] as const])(
    'preserves %j within half a scale at any magnitude',
    async (shape, seed, decades) => {
      const original = randomRows(seed, shape, decades);
      const bytes = encodeSafetensors(new Map([['w', original]]), int8);
      const decoded = decodeSafetensors(bytes).tensors;
      expect([...decoded.keys()]).toEqual(['w']);
      const { data } = decoded.get('w') ?? { data: new Float32Array(0) };
      expect(data).toBeInstanceOf(Float32Array);
      const scales = scalesOf(original.data, shape[0], 'w');
      const width = sizeOf(shape.slice(1));
      // Half a step from rounding to an integer. Then the product is rounded to float32, by 2^-24 of it or half
      // of the smallest subnormal, and the quotient to float64.
      const excess = [...data].map((v, i) => {
        const scale = scales[Math.floor(i / width)];
        return (
          Math.abs(v - original.data[i]) - (scale * (0.5 + 2 ** -40) + Math.max(127 * scale * 2 ** -24, 2 ** -150))
        );
      });
      expect(excess.filter((v) => !(v <= 0))).toEqual([]);
      const values = (await streamed(bytes, 7777)).get('w')?.data ?? new Float64Array(0);
      // The test runner compares large arrays slowly.
      expect(Buffer.compare(Buffer.from(values.buffer), Buffer.from(data.buffer))).toBe(0);
    },
  );

  test('takes one byte per weight and four per channel', () => {
    const state = new Map([['w', randomRows(1, [40, 409])]]);
    const [narrow, wide] = [encodeSafetensors(state, int8), encodeSafetensors(state, { dtype: 'float32' })];
    // The header has one more entry.
    expect(narrow.length).toBeLessThan(40 * 409 + 4 * 40 + 256);
    expect(wide.length).toBeGreaterThan(4 * 40 * 409);
  });

  test('rounds ties to even and represents the largest value exactly', () => {
    const values = Float64Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, -127);
    const target = new Int8Array(values.length);
    const scales = scalesOf(values, 1, 'w');
    quantize(values, scales, target);
    expect([...scales]).toEqual([1]);
    expect([...target]).toEqual([127, 0, 2, 2, 0, -2, 126, -127]);
  });

  test('does not apply to vectors, statistics and counters', () => {
    const state: StateDict = new Map([
      ['bias', { data: Float32Array.of(0.1, 1e30), shape: [2] }],
      ['bn.running_var', { data: Float64Array.of(1e-9), shape: [1] }],
      ['bn.num_batches_tracked', { data: Float32Array.of(70_001), shape: [] }],
    ]);
    const decoded = decodeSafetensors(encodeSafetensors(state, int8)).tensors;
    expect([...decoded].map(([name, { data }]) => [name, ...data])).toEqual([
      ['bias', Math.fround(0.1), Math.fround(1e30)],
      ['bn.running_var', Math.fround(1e-9)],
      ['bn.num_batches_tracked', 70_001],
    ]);
  });

  test('loads as a model from bytes and from chunks', async () => {
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

describe('encodeSafetensors refuses', () => {
  test.each([NaN, Infinity, 1e300, 3.4028235e38])('the value %d', (value) => {
    const state = new Map([['w', { data: Float64Array.of(1, -1, value, 0), shape: [2, 2] }]]);
    expect(() => encodeSafetensors(state, int8)).toThrow(
      refusal(WeightsError, 'w', 'int8 and a float32 scale can hold', `${value} ${value < 1e39 ? 'in row' : 'at'}`),
    );
  });

  test('a tensor with the name of the scales of another', () => {
    const state = new Map([
      ['w', { data: new Float32Array(4), shape: [2, 2] }],
      ['w_scale', { data: new Float32Array(2), shape: [2] }],
    ]);
    expect(() => encodeSafetensors(state, int8)).toThrow(
      refusal(WeightsError, 'w_scale', 'a name other than that of int8 scales', 'the same name'),
    );
    // In other types, the name is not reserved.
    expect(decodeSafetensors(encodeSafetensors(state)).tensors.size).toBe(2);
  });
});

describe('scales in a file', () => {
  const i8 = (begin: number, shape = [2, 3]): object => ({ dtype: 'I8', shape, data_offsets: [begin, begin + 6] });
  const f32 = (begin: number, shape: readonly number[], end = begin + 4 * sizeOf(shape)): object => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const placement = 'F32 [2] before w, which it scales';
  const scale = (...values: number[]): Uint8Array => new Uint8Array([...bytesOf(values), ...new Uint8Array(6)]);
  const bytesOf = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const validHeader = { w_scale: f32(0, [2]), w: i8(8) };

  const cases: [string, Uint8Array, string, string, string][] = [
    ['missing', file({ w: i8(0) }, new Uint8Array(6)), 'net: w_scale', placement, 'none of that name'],
    ['too few', file({ w_scale: f32(0, [1]), w: i8(4) }, new Uint8Array(10)), 'net: w_scale', placement, 'F32 [1]'],
    ['too many', file({ w_scale: f32(0, [3]), w: i8(12) }, new Uint8Array(18)), 'net: w_scale', placement, 'F32 [3]'],
    ['of another rank', file({ w_scale: f32(0, [2, 1]), w: i8(8) }, scale(1, 1)), 'net: w_scale', placement, '[2,1]'],
    [
      'of another type',
      file({ w_scale: { dtype: 'F16', shape: [2], data_offsets: [0, 4] }, w: i8(4) }, new Uint8Array(10)),
      'net: w_scale',
      placement,
      'F16 [2]',
    ],
    [
      'after their tensor',
      file({ w: i8(0), w_scale: f32(6, [2]) }, new Uint8Array(14)),
      'net: w_scale',
      placement,
      'after it',
    ],
    ['of a vector', file({ w: i8(0, [6]) }, new Uint8Array(6)), 'net: w', 'two dimensions or more', '[6]'],
    ['negative', file(validHeader, scale(1, -1)), 'net: w_scale', 'finite scales >= 0', '-1 at element 1'],
    ['infinite', file(validHeader, scale(Infinity, 1)), 'net: w_scale', 'finite scales >= 0', 'Infinity at element 0'],
    ['NaN', file(validHeader, scale(1, NaN)), 'net: w_scale', 'finite scales >= 0', 'NaN at element 1'],
  ];

  test.each(cases)('are refused: %s', async (_, bytes, op, expected, got) => {
    expect(() => decodeSafetensors(bytes, 'net')).toThrow(refusal(WeightsError, op, expected, got));
    await expect(streamed(bytes, 3)).rejects.toThrow(refusal(WeightsError, op, expected, got));
  });

  test('are applied', async () => {
    const bytes = file(validHeader, new Uint8Array([...bytesOf([0.5, 2]), 1, 255, 128, 127, 0, 3]));
    const expected = new Map([['w', { data: Float32Array.of(0.5, -0.5, -64, 254, 0, 6), shape: [2, 3] }]]);
    expect(decodeSafetensors(bytes).tensors).toEqual(expected);
    expect(await streamed(bytes, 3)).toEqual(expected);
  });

  test('every prefix of their file is refused, in a stream', async () => {
    const bytes = file(validHeader, scale(1, 1));
    for (let length = 0; length < bytes.length; length++) {
      await expect(streamed(bytes.subarray(0, length), 5)).rejects.toThrow(WeightsError);
    }
  });
});

test('readScales reads one scale from four bytes', () => {
  const scales = Float32Array.of(0.5, 0, 2);
  expect(readScales(new Uint8Array(scales.buffer), 'scales')).toEqual(scales);
});
