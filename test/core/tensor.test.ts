import { expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { formatShape, sizeOf } from '../../src/core/tensor.js';
import { collectState, type WeightPart } from '../../src/core/weights.js';

test('sizeOf is the product of the sizes, 1 for a scalar', () => {
  expect([sizeOf([]), sizeOf([2, 3]), sizeOf([2, 0])]).toEqual([1, 6, 0]);
});

test('formatShape shows up to 16 sizes', () => {
  expect([formatShape([]), formatShape([1, 3, 32])]).toEqual(['[]', '[1,3,32]']);
  const ones = (length: number): number[] => Array.from({ length }, () => 1);
  expect(formatShape(ones(16))).toBe(`[${'1,'.repeat(15)}1]`);
  expect(formatShape(ones(17))).toBe(`[${'1,'.repeat(16)}…]`);
  expect(formatShape(ones(1e6))).toHaveLength(35);
});

test('the fields of an error have at most 1000 characters', () => {
  const text = (length: number): string => 'x'.repeat(length);
  const error = new WeightsError({ op: text(1000), expected: text(1001), got: text(1e6) });
  expect([error.op, error.expected, error.got]).toEqual([text(1000), `${text(1000)}…`, `${text(1000)}…`]);
  expect(error.message).toHaveLength(1000 + 1001 + 1001 + ': expected '.length + ', got '.length);
});

test('collectState joins the parts of tensors of either type, and allocates no more than arrives', async () => {
  const parts: WeightPart[] = [
    { name: 'a', offset: 0, data: Float32Array.of(1) },
    { name: 'a', offset: 1, data: Float32Array.of(2, 3) },
    { name: 'a', offset: 3, data: Float32Array.of(4, 5) },
    { name: 'b', offset: 0, data: Float64Array.of(0.1) },
    { name: 'b', offset: 1, data: Float64Array.of(0.2) },
  ];
  // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
  async function* stream(count: number): AsyncGenerator<WeightPart> {
    yield* parts.slice(0, count);
  }
  const shapes = new Map([
    ['a', [5]],
    ['b', [1, 2]],
    ['c', [0]],
  ]);
  const state = await collectState({ shapes, parts: () => stream(5) });
  expect(state).toEqual(
    new Map([
      ['a', { data: Float32Array.of(1, 2, 3, 4, 5), shape: [5] }],
      ['b', { data: Float64Array.of(0.1, 0.2), shape: [1, 2] }],
      ['c', { data: new Float32Array(0), shape: [0] }],
    ]),
  );
  const huge = new Map([['a', [2 ** 50]]]);
  await expect(collectState({ shapes: huge, parts: () => stream(3) })).rejects.toMatchObject({
    name: 'WeightsError',
    op: 'a',
    expected: `${2 ** 50} values`,
    got: '5',
  });
});
