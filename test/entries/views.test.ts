/** What takes ndarray's place where no code may be made of text: the same views. */
import { describe, expect, test } from '@jest/globals';
import ndarray, { type NdArray } from 'ndarray';
import own from '../../reference/views.js';

type View = NdArray<Float64Array>;

const VIEWS: readonly (readonly [string, (x: View) => View])[] = [
  ['the whole', (x) => x],
  ['lo', (x) => x.lo(1, 2)],
  ['lo of all but one axis', (x) => x.lo(0, -1, 1)],
  ['hi', (x) => x.hi(1, 2)],
  ['hi within lo', (x) => x.lo(0, 1).hi(2, 2, 3)],
  ['step', (x) => x.step(2, 1, 3)],
  ['step from the end', (x) => x.step(1, -2)],
  ['transpose', (x) => x.transpose(2, 0, 1)],
  ['transpose of the first axes', (x) => x.transpose(1, 0)],
  ['pick', (x) => x.pick(1)],
  ['pick of the axes after', (x) => x.transpose(2, 1, 0).pick(null, 1)],
  ['pick of a line', (x) => x.pick(1, -1, 2)],
  ['all of it', (x) => x.lo(1).step(1, -1, 2).transpose(1, 2, 0).pick(null, 1)],
];

const told = ({ shape, stride, offset, size, dimension, dtype, data, order }: View) => ({
  ...{ shape, stride, offset, size, dimension, dtype, data },
  // Of axes of one step the package names one or the other first.
  order: new Set(stride.map(Math.abs)).size === stride.length ? order : null,
});

/** Indices of all that a view has. */
const indicesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, n) => all.flatMap((given) => Array.from({ length: n }, (_, i) => [...given, i])),
    [[]],
  );

describe.each(VIEWS)('%s', (_, view) => {
  const data = Float64Array.from({ length: 60 }, (_, i) => i + 1);
  const [mine, theirs] = [own, ndarray<Float64Array>].map((make) => view(make(data.slice(), [3, 4, 5])));

  test('is the same view', () => {
    expect(told(mine)).toEqual(told(theirs));
  });

  test('reads and writes the same values', () => {
    for (const at of indicesOf(theirs.shape)) {
      expect(mine.index(...at)).toBe(theirs.index(...at));
      expect(mine.get(...at)).toBe(theirs.get(...at));
      expect(mine.set(...at, -mine.get(...at))).toBe(theirs.set(...at, -theirs.get(...at)));
    }
    expect(mine.data).toEqual(theirs.data);
  });
});

test('of no axis is a value', () => {
  const [mine, theirs] = [own, ndarray<Float64Array>].map((make) => make(Float64Array.of(7), [1]).pick(0));
  expect([mine.get(), mine.size, mine.dimension]).toEqual([theirs.get(), theirs.size, theirs.dimension]);
  expect(mine.get()).toBe(7);
});

test('turned is turned back', () => {
  const x = own(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  expect(x.T.shape).toEqual([3, 2]);
  expect([x.T.get(2, 1), x.T.T.get(1, 2)]).toEqual([6, 6]);
});
