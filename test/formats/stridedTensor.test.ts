import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import type { FileTensor } from '../../src/formats/foreignFile.js';
import { stridedTensor, type Storage, type View } from '../../src/formats/stridedTensor.js';
import { refusal } from '../io/refusal.js';

/** A storage that counts what is read of it. */
class Counted implements Storage {
  readonly size: number;
  bytes = 0;
  largest = 0;

  constructor(private readonly data: Uint8Array) {
    this.size = data.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    this.bytes += length;
    this.largest = Math.max(this.largest, length);
    return Promise.resolve(this.data.subarray(offset, offset + length));
  }
}

const floats = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i);
const storageOf = (values: Float32Array | Float64Array): Counted => new Counted(new Uint8Array(values.buffer));

const tensor = (view: Partial<View>, storage: Storage, capacity: number): FileTensor =>
  stridedTensor(
    { dtype: 'float32', offset: 0, shape: [], strides: [], ...view },
    () => Promise.resolve(storage),
    capacity,
    'net.pth: w',
  );

/** What a view has, by its definition. */
function elementsOf({ offset, shape, strides }: Omit<View, 'dtype'>): number[] {
  let indices = [offset];
  shape.forEach((size, axis) => {
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index + i * strides[axis]));
  });
  return indices;
}

describe('reads', () => {
  test.each<[string, Omit<View, 'dtype'>]>([
    ['a row', { offset: 3, shape: [5], strides: [1] }],
    ['a scalar', { offset: 3, shape: [], strides: [] }],
    ['a matrix', { offset: 1, shape: [3, 4], strides: [4, 1] }],
    ['a transposed matrix', { offset: 1, shape: [4, 3], strides: [1, 4] }],
    ['permuted axes', { offset: 0, shape: [4, 2, 5, 3], strides: [1, 60, 12, 4] }],
    ['gaps', { offset: 2, shape: [3, 3], strides: [16, 3] }],
    ['repeated elements', { offset: 2, shape: [2, 3, 2], strides: [0, 1, 0] }],
    ['one element, repeated', { offset: 2, shape: [2, 3], strides: [0, 0] }],
    ['axes of size 1 with any strides', { offset: 0, shape: [4, 4, 1, 1], strides: [4, 1, 4, 2 ** 40] }],
    ['rows that overlap', { offset: 0, shape: [4, 3], strides: [2, 1] }],
    ['axes of equal strides', { offset: 0, shape: [3, 4], strides: [5, 5] }],
    ['rows that interleave', { offset: 0, shape: [3, 3], strides: [10, 9] }],
  ])('%s', async (_, view) => {
    const read = await tensor(view, storageOf(floats(200)), 200).read();
    expect(Array.from(read)).toEqual(elementsOf(view));
  });

  test('nothing of an empty tensor', async () => {
    const storage = storageOf(floats(0));
    expect(await tensor({ shape: [0, 2 ** 40], strides: [1, 1], offset: 99 }, storage, 0).read()).toEqual(floats(0));
    expect(storage.bytes).toBe(0);
  });

  test('only the span that is needed, in blocks', async () => {
    const values = floats(600_000);
    const whole = storageOf(values);
    expect(await tensor({ shape: [600_000], strides: [1] }, whole, 600_000).read()).toEqual(values);
    expect([whole.bytes, whole.largest]).toEqual([2_400_000, 2 ** 20]);

    const part = storageOf(values);
    expect(await tensor({ offset: 500_000, shape: [3], strides: [1] }, part, 600_000).read()).toEqual(
      Float32Array.of(500_000, 500_001, 500_002),
    );
    expect(part.bytes).toBe(12);

    const columns = storageOf(values);
    const transposed = await tensor({ shape: [2, 300_000], strides: [1, 2] }, columns, 600_000).read();
    expect([transposed[0], transposed[1], transposed[299_999], transposed[300_000]]).toEqual([0, 2, 599_998, 1]);
    expect([columns.bytes, columns.largest]).toEqual([2_400_000, 2 ** 20]);

    const gaps = storageOf(values);
    expect(Array.from(await tensor({ shape: [3], strides: [290_000] }, gaps, 600_000).read())).toEqual([
      ...[0, 290_000, 580_000],
    ]);
    expect(gaps.bytes).toBeLessThan(2_400_000);
  });

  test('float64 bit for bit, in any order', async () => {
    const bits = new BigUint64Array([1n, 0x7ff4_0000_0000_0001n, 0xfff8_0000_0000_1234n, 0x8000_0000_0000_0000n]);
    const view = { dtype: 'float64', shape: [2, 2], strides: [1, 2] };
    const read = await tensor(view, storageOf(new Float64Array(bits.buffer)), 4).read();
    expect(Array.from(new BigUint64Array(read.buffer))).toEqual([bits[0], bits[2], bits[1], bits[3]]);
  });

  test.each([
    ['int32', Uint8Array.of(0xff, 0xff, 0xff, 0x7f), new Float64Array([2 ** 31 - 1])],
    ['int16', Uint8Array.of(0, 0x80), new Float32Array([-32768])],
    ['uint8', Uint8Array.of(255), new Float32Array([255])],
    ['int8', Uint8Array.of(255), new Float32Array([-1])],
    ['bool', Uint8Array.of(2), new Float32Array([1])],
  ])('%s', async (dtype, bytes, expected) => {
    expect(await tensor({ dtype, shape: [1], strides: [1] }, new Counted(bytes), 1).read()).toEqual(expected);
  });
});

describe('refuses', () => {
  const counts = 'a shape, as many strides (at most 64) and an offset, all integers >= 0';
  test.each<[string, Partial<View>, string, string]>([
    ['a negative size', { shape: [-1], strides: [1] }, counts, '[-1], [1] and 0'],
    ['a negative stride', { shape: [2], strides: [-1] }, counts, '[2], [-1] and 0'],
    ['a negative offset', { offset: -4, shape: [2], strides: [1] }, counts, '[2], [1] and -4'],
    ['a fraction', { shape: [1.5], strides: [1] }, counts, '[1.5]'],
    ['a size that is not exact', { shape: [2 ** 60], strides: [1] }, counts, '[1152921504606847000]'],
    ['fewer strides', { shape: [2, 2], strides: [1] }, counts, '[2,2], [1] and 0'],
    ['65 dimensions', { shape: Array<number>(65).fill(1), strides: Array<number>(65).fill(1) }, counts, '[1,1,1'],
    ['more than 2^53 elements', { shape: [2 ** 40, 2 ** 40], strides: [0, 0] }, 'at most 2^53 elements', ''],
    ['one element too many', { shape: [11], strides: [1] }, 'a view of the 10 elements of its storage', '[11]'],
    ['an offset beyond', { offset: 8, shape: [3], strides: [1] }, 'a view of the 10 elements', 'at offset 8'],
    ['an offset at the end', { offset: 10 }, 'a view of the 10 elements', 'at offset 10'],
    ['a stride beyond', { shape: [2, 2], strides: [9, 1] }, 'a view of the 10 elements', 'strides [9,1]'],
    ['a stride that overflows', { shape: [3], strides: [2 ** 53 - 1] }, 'a view of the 10 elements', ''],
    [
      'too many repetitions',
      { shape: [2 ** 24 + 1], strides: [0] },
      'at most 16777216 elements of a storage of 10',
      '',
    ],
    ['an unknown type', { dtype: 'quint8' }, 'a tensor of floats or integers', 'quint8'],
    ['a type of Object', { dtype: 'constructor' }, 'a tensor of floats or integers', 'constructor'],
  ])('%s', (_, view, expected, got) => {
    const at = (): FileTensor => tensor(view, storageOf(floats(10)), 10);
    expect(at).toThrow(refusal(WeightsError, 'net.pth: w', expected, got));
  });

  test('rows that interleave beyond a block', () => {
    const view = { shape: [3, 3], strides: [300_000, 299_999] };
    expect(() => tensor(view, storageOf(floats(0)), 2 ** 30)).toThrow(
      refusal(WeightsError, 'net.pth: w', 'a view whose rows do not overlap', 'strides [300000,299999]'),
    );
  });

  test('complex numbers, when they are read', async () => {
    const complex = tensor({ dtype: 'complex64', shape: [1], strides: [1] }, new Counted(new Uint8Array(8)), 1);
    expect(complex.shape).toEqual([1]);
    await expect(complex.read()).rejects.toThrow(refusal(WeightsError, 'net.pth: w', 'real numbers', 'complex64'));
  });

  test('integers beyond 2^53, with their place in the storage', async () => {
    const bytes = new Uint8Array(new BigInt64Array([0n, 2n ** 53n + 1n]).buffer);
    const view = { dtype: 'int64', offset: 1, shape: [1], strides: [1] };
    await expect(tensor(view, new Counted(bytes), 2).read()).rejects.toThrow(
      refusal(WeightsError, 'net.pth: w', 'integers of at most 2^53', '9007199254740993 at element 1'),
    );
  });
});
