import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { byteLength, tensorBytes, type TensorSource } from '../../src/io/tensorSource.js';
import { refusal } from './refusal.js';

const source = (dtype: TensorSource['dtype'], shape: readonly number[], data: FloatArray): TensorSource => ({
  ...{ name: 'w', dtype, shape },
  read: () => Promise.resolve(data),
});

async function chunksOf(tensor: TensorSource): Promise<number[][]> {
  const chunks: number[][] = [];
  for await (const chunk of tensorBytes(tensor)) chunks.push([...chunk]);
  return chunks;
}

const PART = 2 ** 20;

describe('the bytes of a tensor', () => {
  test.each<[TensorSource['dtype'], number[]]>([
    ['F16', [0, 0x3c, 0, 0xc0]],
    ['F32', [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]],
    ['F64', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0]],
    ['I64', [1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255]],
  ])('of type %s', async (dtype, expected) => {
    for (const data of [Float32Array.of(1, -2), Float64Array.of(1, -2)]) {
      expect(await chunksOf(source(dtype, [2, 1], data))).toEqual([expected]);
    }
    expect(byteLength(source(dtype, [2, 1], new Float32Array(0)))).toBe(expected.length);
  });

  test('of a scalar', async () => {
    expect(await chunksOf(source('I64', [], Float64Array.of(3)))).toEqual([[3, 0, 0, 0, 0, 0, 0, 0]]);
    expect(byteLength({ name: 'w', dtype: 'I64', shape: [] })).toBe(8);
  });

  test.each([
    [PART, [PART]],
    [PART + 1, [PART, 1]],
  ])('of %i values come in parts', async (length, parts) => {
    const data = new Float32Array(length);
    data[length - 1] = 1;
    const lengths: number[] = [];
    let last = new Uint8Array(0);
    for await (const chunk of tensorBytes(source('F16', [length], data))) {
      lengths.push(chunk.length / 2);
      last = Uint8Array.from(chunk.subarray(-2));
    }
    expect(lengths).toEqual(parts);
    expect([...last]).toEqual([0, 0x3c]);
  });
});

test.each([
  [source('F32', [2, 3], new Float32Array(5)), 'the values of [2,3]', '5 values'],
  [source('F32', [], new Float32Array(0)), 'the values of []', '0 values'],
  [source('F16', [2], Float32Array.of(1, 1e5)), 'values that float16 can hold', '100000 at element 1'],
  [source('I64', [1], Float64Array.of(0.5)), 'integers of at most 2^53', '0.5 at element 0'],
])('refuses what does not fit (%#)', async (tensor, expected, got) => {
  await expect(chunksOf(tensor)).rejects.toThrow(refusal(WeightsError, 'w', expected, got));
});
