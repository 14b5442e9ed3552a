/** Dicts of tensors within dicts, of which a short file may name one many times. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import type { FileTensor } from '../../src/formats/foreignFile.js';
import { dictOf, groupsOf, nameOfValue } from '../../src/formats/pickledDicts.js';
import { PickleObject, type PickleDict, type PickleValue } from '../../src/io/pickle/pickleValues.js';
import { refusal } from '../io/refusal.js';

const TENSOR: FileTensor = { shape: [], dtype: 'float32', read: () => Promise.resolve(new Float32Array(1)) };
/** Numbers stand for tensors. */
const tensorOf = (value: PickleValue): FileTensor | null => (typeof value === 'number' ? TENSOR : null);

/** A dict that counts how often its keys are looked at. */
class CountedDict extends Map<string, PickleValue> {
  visits = 0;

  override [Symbol.iterator](): MapIterator<[string, PickleValue]> {
    this.visits++;
    return super[Symbol.iterator]();
  }
}

const dictWith = (count: number, value: PickleValue): PickleDict =>
  new Map(Array.from({ length: count }, (_, i) => [`k${i}`, value]));

const find = (value: PickleValue) => groupsOf(value, tensorOf, 'net.pth', 'Save it again.');

describe('a dict under many keys', () => {
  test('is looked at once', () => {
    const inner = new CountedDict([['w', 1]]);
    const groups = find(dictWith(500, inner));
    expect(groups.map(({ path }) => path)).toEqual(Array.from({ length: 500 }, (_, i) => [`k${i}`]));
    expect(inner.visits).toBe(1);
  });

  test('counts with all its tensors', () => {
    expect(find(dictWith(100, dictWith(1000, 1)))).toHaveLength(100);
    expect(() => find(dictWith(101, dictWith(1000, 1)))).toThrow(
      refusal(WeightsError, 'net.pth', 'at most 100000 tensors', 'more'),
    );
  });

  test('is refused with more than 100,000 tensors of its own', () => {
    expect(find(dictWith(100_000, 1))[0].tensors.size).toBe(100_000);
    expect(() => find(dictWith(100_001, 1))).toThrow(
      refusal(WeightsError, 'net.pth', 'at most 100000 tensors', 'more'),
    );
  });

  test('counts as a dict each time', () => {
    expect(find(dictWith(9999, new Map([['w', 1]])))).toHaveLength(9999);
    expect(() => find(dictWith(10_000, new Map([['w', 1]])))).toThrow(
      refusal(WeightsError, 'net.pth', 'at most 10000 dicts of tensors', 'more'),
    );
  });
});

test('many dicts of one list of pairs are one', () => {
  const list = [['w', 1], ['v', 2], ['x'], [3, 4], 5];
  const [a, b] = [1, 2].map(() => dictOf(new PickleObject('collections.OrderedDict', [list])));
  expect(a).toEqual(
    new Map([
      ['w', 1],
      ['v', 2],
    ]),
  );
  expect(b).toBe(a);
  expect(dictOf(new PickleObject('collections.OrderedDict', []))).toEqual(new Map());
  expect(dictOf(new PickleObject('collections.Counter', [list]))).toBeNull();
});

test('values are named by their keys, of which long ones are cut', () => {
  expect(nameOfValue('net.pth', [])).toBe('net.pth');
  expect(nameOfValue('net.pth', ['model', 'w'])).toBe('net.pth: model.w');
  expect(nameOfValue('net.pth', ['a'.repeat(200), 'b'.repeat(201)])).toBe(
    `net.pth: ${'a'.repeat(200)}.${'b'.repeat(200)}…`,
  );
});

test('keys of all types are shown', () => {
  const odd: PickleDict = new Map<PickleValue, PickleValue>([
    [[1], null],
    [null, null],
    [true, null],
    [0.5, null],
    ['a', null],
  ]);
  expect(() => find(odd)).toThrow(
    refusal(WeightsError, 'net.pth', 'a dict of tensors', 'under the keys a list or tuple, null, true, 0.5, "a"'),
  );
});
