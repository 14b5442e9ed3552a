/** The views that replace ndarray in runtimes where `eval` is forbidden equal those of ndarray. */
import { describe, expect, test } from '@jest/globals';
import ndarray, { type NdArray } from 'ndarray';
import createView from '../../reference/views.js';

type View = NdArray<Float64Array>;

const VIEWS: readonly (readonly [string, (x: View) => View])[] = [
  ['all elements', (x) => x],
  ['lo', (x) => x.lo(1, 2)],
  ['lo of all but one axis', (x) => x.lo(0, -1, 1)],
  ['hi', (x) => x.hi(1, 2)],
  ['hi after lo', (x) => x.lo(0, 1).hi(2, 2, 3)],
  ['step', (x) => x.step(2, 1, 3)],
  ['step with a negative step', (x) => x.step(1, -2)],
  ['transpose', (x) => x.transpose(2, 0, 1)],
  ['transpose of the first axes', (x) => x.transpose(1, 0)],
  ['pick', (x) => x.pick(1)],
  ['pick of later axes', (x) => x.transpose(2, 1, 0).pick(null, 1)],
  ['pick of a line', (x) => x.pick(1, -1, 2)],
  ['all methods', (x) => x.lo(1).step(1, -1, 2).transpose(1, 2, 0).pick(null, 1)],
];

const fieldsOf = ({ shape, stride, offset, size, dimension, dtype, data, order }: View) => ({
  ...{ shape, stride, offset, size, dimension, dtype, data },
  // ndarray may list axes with equal strides in either order.
  order: new Set(stride.map(Math.abs)).size === stride.length ? order : null,
});

/** The indices of all elements. */
const indicesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, n) => all.flatMap((indices) => Array.from({ length: n }, (_, i) => [...indices, i])),
    [[]],
  );

describe.each(VIEWS)('%s', (_, view) => {
  const data = Float64Array.from({ length: 60 }, (_, i) => i + 1);
  const [ownView, packageView] = [createView, ndarray<Float64Array>].map((create) =>
    view(create(data.slice(), [3, 4, 5])),
  );

  test('has the same fields', () => {
    expect(fieldsOf(ownView)).toEqual(fieldsOf(packageView));
  });

  test('reads and writes the same values', () => {
    for (const at of indicesOf(packageView.shape)) {
      expect(ownView.index(...at)).toBe(packageView.index(...at));
      expect(ownView.get(...at)).toBe(packageView.get(...at));
      expect(ownView.set(...at, -ownView.get(...at))).toBe(packageView.set(...at, -packageView.get(...at)));
    }
    expect(ownView.data).toEqual(packageView.data);
  });
});

test('a view without axes is a value', () => {
  const [ownView, packageView] = [createView, ndarray<Float64Array>].map((create) =>
    create(Float64Array.of(7), [1]).pick(0),
  );
  expect([ownView.get(), ownView.size, ownView.dimension]).toEqual([
    packageView.get(),
    packageView.size,
    packageView.dimension,
  ]);
  expect(ownView.get()).toBe(7);
});

test('T reverses the axes', () => {
  const x = createView(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  expect(x.T.shape).toEqual([3, 2]);
  expect([x.T.get(2, 1), x.T.T.get(1, 2)]).toEqual([6, 6]);
});
