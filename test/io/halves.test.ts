/** Writing of float16. The expected values in the table are those of NumPy's `float64.astype(float16)`. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { DTYPES } from '../../src/io/dtypes.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { loadModel } from '../../src/model/loadModel.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { refusal } from './refusal.js';

const { F16 } = DTYPES;

function halvesOf(data: Float32Array | Float64Array): Uint16Array {
  const bytes = new Uint8Array(2 * data.length);
  F16.write(data, bytes);
  return new Uint16Array(bytes.buffer);
}

test('every half is preserved by reading and writing, except that a NaN becomes the quiet NaN', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = new Float32Array(65536);
  F16.read(new Uint8Array(halves.buffer), values, 'halves');
  const expected = halves.map((half, i) => (Number.isNaN(values[i]) ? 0x7e00 : half));
  expect(expected.filter((half, i) => half !== i)).toHaveLength(2 * 1023 - 1);
  expect(halvesOf(values)).toEqual(expected);
});

test('rounds to the nearest half, ties to even', () => {
  const halves = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
  const values = new Float32Array(halves.length);
  F16.read(new Uint8Array(halves.buffer), values, 'halves');
  const between = (part: number): Float64Array =>
    Float64Array.from(halves.subarray(1), (_, i) => values[i] + part * (values[i + 1] - values[i]));
  expect(halvesOf(between(0.5 - 2 ** -20))).toEqual(halves.subarray(0, -1));
  expect(halvesOf(between(0.5 + 2 ** -20))).toEqual(halves.subarray(1));
  expect(halvesOf(between(0.5))).toEqual(halves.subarray(1).map((half) => half - (half % 2)));
});

test.each([
  [-0, 0x8000],
  [1 / 3, 0x3555],
  [0.1, 0x2e66],
  [2049, 0x6800],
  [2051, 0x6802],
  [1 + 2 ** -11, 0x3c00],
  [1 + 2 ** -11 - 2 ** -40, 0x3c00],
  // Through float32 it would be rounded down.
  [1 + 2 ** -11 + 2 ** -30, 0x3c01],
  [2 ** -25, 0],
  [2 ** -25 + 2 ** -60, 1],
  [3 * 2 ** -25, 2],
  [2 ** -14 - 2 ** -25, 0x0400],
  [-1e-7, 0x8002],
  [1e-300, 0],
  [-65503.99, 0xfbff],
])('rounds %d as NumPy does', (value, bits) => {
  expect([...halvesOf(Float64Array.of(value))]).toEqual([bits]);
});

describe('a file in float16', () => {
  const values = (...data: number[]): Tensor => ({ data: new Float64Array(data), shape: [data.length] });

  test('keeps counters as integers and running statistics in float32', () => {
    const small = 1e-9;
    const state = new Map([
      ['bn.weight', values(small, 0.1)],
      ['bn.running_mean', values(1e5)],
      ['bn.running_var', values(small)],
      ['bn.num_batches_tracked', { data: new Float32Array([70_001]), shape: [] }],
    ]);
    const { tensors } = decodeSafetensors(encodeSafetensors(state, { dtype: 'float16' }));
    expect([...tensors].map(([name, { data }]) => [name, ...data])).toEqual([
      ['bn.weight', 0, 0.0999755859375],
      ['bn.running_mean', 1e5],
      ['bn.running_var', Math.fround(small)],
      ['bn.num_batches_tracked', 70_001],
    ]);
  });

  test.each([65504.1, -65505, 1e300])('refuses %d', (value) => {
    const encode = (): Uint8Array => encodeSafetensors(new Map([['w', values(1, value)]]), { dtype: 'float16' });
    expect(encode).toThrow(refusal(WeightsError, 'w', 'float16 can hold', `${value} at element 1`));
  });

  test('loads as a model from bytes and from chunks', async () => {
    const config = drawnConfig('deploy');
    const bytes = encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float16' });
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 777) yield await Promise.resolve(bytes.subarray(at, at + 777));
    };
    const rounded = decodeSafetensors(bytes).tensors;
    const same = encodeSafetensors(rounded, { metadata: writeConfig(config), dtype: 'float32' });
    const { data } = drawnImages(config, 1);
    const logits = await (await loadModel(same)).forward(data);
    expect(await (await loadModel(bytes)).forward(data)).toEqual(logits);
    expect(await (await loadModel(chunks())).forward(data)).toEqual(logits);
  });
});
