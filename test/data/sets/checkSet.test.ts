import { describe, expect, test } from '@jest/globals';
import { DataError, ParamError } from '../../../src/core/errors.js';
import {
  checkLabeledImages,
  checkNumbers,
  checkPositions,
  checkSet,
  checkText,
  checkTexts,
} from '../../../src/data/sets/checkSet.js';
import { classCounts, imbalance, checkDataset } from '../../../src/data/sets/classes.js';
import { evenlySpaced, isStreamed, subset, type ImageSet } from '../../../src/data/sets/dataset.js';
import { loadSubset } from '../../../src/data/sets/loadSubset.js';
import { refusal } from '../../io/refusal.js';

const set: ImageSet = {
  ...{ images: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), labels: Int32Array.of(1, 0), n: 2, channels: 1 },
  ...{ height: 2, width: 2, classNames: ['a', 'b'] },
};
const { images: _, ...about } = set;
const streamed = { ...about, files: { root: 'r', names: ['1.png', '2.png'], fit: { size: [2, 2] as const } } };

describe('a set', () => {
  test('in memory, with labels of both types, and on disk is accepted', () => {
    for (const good of [set, { ...set, labels: Uint8Array.of(1, 0) }, { ...set, images: Buffer.alloc(8) }, streamed]) {
      expect(() => {
        checkSet('x', good);
      }).not.toThrow();
    }
    const none = { ...set, images: new Uint8Array(0), labels: new Uint8Array(0), n: 0 };
    expect(() => {
      checkSet('x', none);
    }).not.toThrow();
  });

  test.each<[unknown, string, string, string]>([
    [null, 'x', 'a data set', 'null'],
    ['text', 'x', 'a data set', '"text"'],
    [[], 'x', 'a data set', '[]'],
    [{}, 'x: labels', 'a Uint8Array or an Int32Array', 'undefined'],
    [{ ...set, labels: [1, 0] }, 'x: labels', 'a Uint8Array or an Int32Array', '[1,0]'],
    [{ ...set, n: -1 }, 'x: n', 'an integer >= 0', '-1'],
    [{ ...set, n: 1.5 }, 'x: n', 'an integer >= 0', '1.5'],
    [{ ...set, channels: 0 }, 'x: channels', 'an integer in [1, 4294967296]', '0'],
    [{ ...set, height: null }, 'x: height', 'an integer in [1, 4294967296]', 'null'],
    [{ ...set, width: 2 ** 33 }, 'x: width', 'an integer in [1, 4294967296]', '8589934592'],
    [{ ...set, classNames: [] }, 'x: classNames', 'the names of one class or more', '[]'],
    [{ ...set, classNames: ['a', 1] }, 'x: classNames', 'the names of one class or more', '["a",1]'],
    // eslint-disable-next-line no-sparse-arrays -- a hole is no name
    [{ ...set, classNames: ['a', , 'b'] }, 'x: classNames', 'the names of one class or more', ''],
    [{ ...set, classNames: 'ab' }, 'x: classNames', 'the names of one class or more', '"ab"'],
    [{ ...set, images: [1] }, 'x: images', 'a Uint8Array', '[1]'],
    [{ ...about }, 'x: images', 'a Uint8Array', 'undefined'],
    [{ ...about, files: 'f' }, 'x: files', 'a root and names', '"f"'],
    [{ ...about, files: { names: [] } }, 'x: files', 'a root and names', '{"names":[]}'],
    [{ ...about, files: { root: 'r', names: [1] } }, 'x: files', 'a root and names', '{"root":"r","names":[1]}'],
  ])('%p is refused', (value, op, expected, got) => {
    expect(() => {
      checkSet('x', value as object);
    }).toThrow(refusal(ParamError, op, expected, got));
  });

  test.each<[string, object, string, string]>([
    ['pixels', { ...set, images: new Uint8Array(7) }, '8 pixels of 2 images', '7'],
    ['files', { ...streamed, files: { ...streamed.files, names: ['1.png'] } }, '2 files, one for each image', '1'],
    ['labels', { ...set, labels: Int32Array.of(1) }, '2 labels, one for each image', '1'],
    ['a label that is too large', { ...set, labels: Int32Array.of(1, 2) }, 'labels from 0 to 1', '2 of image 1'],
    ['a negative label', { ...set, labels: Int32Array.of(-1, 0) }, 'labels from 0 to 1', '-1 of image 0'],
  ])('is refused for %s that do not match', (_name, value, expected, got) => {
    expect(() => {
      checkSet('x', value);
    }).toThrow(refusal(DataError, 'x', expected, got));
  });

  test('needs no pixels for what counts labels', () => {
    expect(() => {
      checkLabeledImages('x', about);
    }).not.toThrow();
    expect(classCounts(streamed as unknown as ImageSet)).toEqual([1, 1]);
    expect(() => classCounts({ ...set, labels: Int32Array.of(0, 7) })).toThrow(
      refusal(DataError, 'classCounts', 'labels from 0 to 1', '7 of image 1'),
    );
  });
});

test('images on disk that do not fit into memory are refused before they are read', async () => {
  const large = { ...streamed, channels: 3, height: 30_000, width: 30_000 };
  await expect(loadSubset(large, [0, 1])).rejects.toThrow(
    refusal(ParamError, 'loadSubset', 'at most 2 GiB of pixels', '5.0 GiB'),
  );
});

describe('positions', () => {
  test.each<[unknown, number[]]>([
    [
      [1, 0, 1],
      [1, 0, 1],
    ],
    [[], []],
    [Int32Array.of(1), [1]],
    [Float64Array.of(0, 1), [0, 1]],
  ])('%p', (value, expected) => {
    expect([...checkPositions('x', value, 2)]).toEqual(expected);
  });

  test.each<[unknown, string, string, string]>([
    [null, 'x', 'a list of positions', 'null'],
    [{ length: 1 }, 'x', 'a list of positions', '{"length":1}'],
    [new DataView(new ArrayBuffer(1)), 'x', 'a list of positions', 'DataView'],
    [[0, 2], 'x: positions[1]', 'an integer in [0, 1]', '2'],
    [[-1], 'x: positions[0]', 'an integer in [0, 1]', '-1'],
    [[0.5], 'x: positions[0]', 'an integer in [0, 1]', '0.5'],
    [['1'], 'x: positions[0]', 'an integer in [0, 1]', '"1"'],
    [Float32Array.of(NaN), 'x: positions[0]', 'an integer in [0, 1]', 'NaN'],
  ])('%p are refused', (value, op, expected, got) => {
    expect(() => checkPositions('x', value, 2)).toThrow(refusal(ParamError, op, expected, got));
  });
});

test('texts and numbers', () => {
  expect(checkText('x', '')).toBe('');
  expect(() => checkText('x', 1)).toThrow(refusal(ParamError, 'x', 'a text', '1'));
  expect(() => checkText('x', null, 'a path')).toThrow(refusal(ParamError, 'x', 'a path', 'null'));
  expect(checkTexts('x', ['a'])).toEqual(['a']);
  expect(() => checkTexts('x', ['a', 2])).toThrow(refusal(ParamError, 'x', 'a list of texts', '["a",2]'));
  expect(() => checkTexts('x', 'a')).toThrow(refusal(ParamError, 'x', 'a list of texts', '"a"'));
  const numbers = [1, -0.5];
  expect(checkNumbers('x', numbers)).toEqual(numbers);
  expect(checkNumbers('x', numbers)).not.toBe(numbers);
  for (const bad of [null, ['1'], [Infinity], [NaN], Float32Array.of(1)]) {
    expect(() => checkNumbers('x', bad)).toThrow(refusal(ParamError, 'x', 'a list of finite numbers', ''));
  }
});

describe('functions of sets refuse other values by their own name', () => {
  const none = null as unknown as ImageSet;
  test.each<[string, () => unknown]>([
    ['classCounts', () => classCounts(none)],
    ['imbalance', () => imbalance(none)],
    ['subset', () => subset(none, [])],
    [
      'data set',
      () => {
        checkDataset(none);
      },
    ],
  ])('%s', (op, call) => {
    expect(call).toThrow(refusal(ParamError, op, 'a data set', 'null'));
  });

  test('loadSubset', async () => {
    await expect(loadSubset(none, [])).rejects.toThrow(refusal(ParamError, 'loadSubset', 'a data set', 'null'));
    await expect(loadSubset(set, [2])).rejects.toThrow(
      refusal(ParamError, 'subset: positions[0]', 'an integer in [0, 1]', '2'),
    );
    const disk = streamed as unknown as ImageSet;
    await expect(loadSubset(disk, [2])).rejects.toThrow(
      refusal(ParamError, 'loadSubset: positions[0]', 'an integer in [0, 1]', '2'),
    );
  });

  test('checkDataset: the network and the name', () => {
    const check = (network: unknown, op?: unknown) => () => {
      checkDataset(set, network as object, op as string);
    };
    expect(check(null)).toThrow(refusal(ParamError, 'checkDataset: network', 'an object', 'null'));
    expect(check({ num_classes: '2' })).toThrow(refusal(ParamError, 'num_classes', 'an integer >= 1', '"2"'));
    expect(check({ in_chans: 0 })).toThrow(refusal(ParamError, 'in_chans', 'an integer >= 1', '0'));
    expect(check({ class_names: 'ab' })).toThrow(refusal(ParamError, 'class_names', 'a list of texts', '"ab"'));
    expect(check({}, 7)).toThrow(refusal(ParamError, 'checkDataset', 'the name of the set', '7'));
    expect(check({ num_classes: undefined, class_names: undefined, dims: [4, 6] })).not.toThrow();
  });

  test('isStreamed is false for them', () => {
    expect([none, 7, 'files', [], set].map((value) => isStreamed(value as ImageSet))).toEqual(Array(5).fill(false));
    expect(isStreamed(streamed as unknown as ImageSet)).toBe(true);
  });
});

describe('evenlySpaced', () => {
  test('takes at most n positions', () => {
    expect(evenlySpaced(10, 3)).toEqual([0, 3, 6]);
    expect(evenlySpaced(3, 10)).toEqual([0, 1, 2]);
    expect(evenlySpaced(0, 3)).toEqual([]);
    expect(evenlySpaced(3, 0)).toEqual([]);
  });

  test.each<[unknown, unknown, string, string, string]>([
    [-1, 3, 'evenlySpaced: total', 'an integer >= 0', '-1'],
    [3, 0.5, 'evenlySpaced: n', 'an integer >= 0', '0.5'],
    [3, null, 'evenlySpaced: n', 'an integer >= 0', 'null'],
    [2 ** 30, 2 ** 26 + 1, 'evenlySpaced', 'an integer <= 67108864', '67108865'],
  ])('refuses %p, %p', (total, n, op, expected, got) => {
    expect(() => evenlySpaced(total as number, n as number)).toThrow(refusal(ParamError, op, expected, got));
  });
});

test('subset copies images, labels and files, and refuses more than 2 GiB', () => {
  const part = subset({ ...set, sourceFiles: { root: 'r', names: ['1', '2'] } }, [1, 1, 0]);
  expect([[...part.images], [...part.labels], part.n, part.sourceFiles?.names]).toEqual([
    [5, 6, 7, 8, 5, 6, 7, 8, 1, 2, 3, 4],
    [0, 0, 1],
    3,
    ['2', '2', '1'],
  ]);
  const large = { ...set, images: new Uint8Array(2 ** 22), height: 2 ** 11, width: 2 ** 10 };
  expect(() => subset(large, new Int32Array(1025))).toThrow(
    refusal(ParamError, 'subset', 'at most 2147483648 pixels', `${1025 * 2 ** 21}`),
  );
});
