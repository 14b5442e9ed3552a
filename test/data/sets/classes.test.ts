import { expect, test } from '@jest/globals';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { checkDataset, classCounts, imbalance, type DatasetRequirements } from '../../../src/data/sets/classes.js';
import type { DataSet, ImageSet } from '../../../src/data/sets/dataset.js';
import { refusal } from '../../io/refusal.js';

const set = (labels: readonly number[], classNames = ['cat', 'dog', 'owl']): ImageSet => ({
  ...{ images: new Uint8Array(3 * labels.length), labels: Int32Array.from(labels), n: labels.length },
  ...{ channels: 3, height: 1, width: 1, classNames },
});

test('counts classes, and compares the largest with the smallest', () => {
  expect(classCounts(set([0, 2, 2, 1, 2]))).toEqual([1, 1, 3]);
  expect(imbalance(set([0, 2, 2, 1, 2, 0]))).toEqual({
    largest: { name: 'owl', count: 3 },
    smallest: { name: 'dog', count: 1 },
    ratio: 3,
  });
  const [cat, dog, owl] = ['cat', 'dog', 'owl'].map((name) => ({ name, count: 1 }));
  const [largest, smallest] = [{ name: 'cat', count: 2 }, dog];
  expect(imbalance(set([0, 0, 1, 2]))).toEqual({ largest, smallest, ratio: 2 });
  expect(imbalance(set([0, 0, 1, 1, 2]))).toEqual({ largest, smallest: owl, ratio: 2 });
  // Of classes of equal size, the first.
  expect(imbalance(set([0, 1, 2]))).toEqual({ largest: cat, smallest: cat, ratio: 1 });
  expect(imbalance(set([0, 2])).ratio).toBe(Infinity);
});

test('accepts a consistent set, and refuses others', () => {
  checkDataset(set([0, 1, 2]), { num_classes: 3, in_chans: 3, class_names: ['cat', 'dog', 'owl'] });
  checkDataset(set([0, 1, 2]), { class_names: null });
  // Converted to grayscale.
  checkDataset(set([0, 1, 2]), { in_chans: 1 });
  checkDataset(set([0, 1], ['caf\u00e9', 'th\u00e9']), { class_names: ['cafe\u0301', 'th\u00e9'] });
  checkDataset(set([0, 1], ['cafe\u0301', 'th\u00e9']), { class_names: ['caf\u00e9', 'the\u0301'] });
  const good = set([0, 1, 2]);
  const { images: _, ...about } = good;
  const cases: [DataSet, DatasetRequirements, typeof DataError | typeof ParamError, string, string][] = [
    [set([0, 3]), {}, DataError, 'labels from 0 to 2', '3 of image 1'],
    [set([-1, 2]), {}, DataError, 'labels from 0 to 2', '-1 of image 0'],
    [good, { num_classes: 10 }, ParamError, '10 classes, like the network', '3 (cat, dog, owl)'],
    [good, { in_chans: 2 }, ParamError, 'images of 2 channels, like the input of the network', '3'],
    [good, { class_names: ['cat', 'dog', 'owl', 'bee'] }, ParamError, "'bee' as class 3", 'undefined'],
    [good, { class_names: ['dog', 'cat', 'owl'] }, ParamError, "'dog' as class 0", "'cat'"],
    [{ ...good, channels: 2, images: new Uint8Array(6) }, { in_chans: 1 }, ParamError, 'images of 1 channels', '2'],
    [good, { class_names: ['cat', 'owl', 'dog'] }, ParamError, "'owl' as class 1", "'dog'"],
    [{ ...about, files: { root: '.', names: ['1.png'], fit: { size: [1, 1] } } }, {}, DataError, '3 files', '1'],
    [{ ...good, labels: new Uint8Array(2) }, {}, DataError, '3 labels, one for each image', '2'],
    [{ ...good, images: new Uint8Array(8) }, {}, DataError, '9 pixels of 3 images', '8'],
  ];
  for (const [bad, network, type, expected, got] of cases) {
    expect(() => {
      checkDataset(bad, network, 'pets');
    }).toThrow(refusal(type, 'pets', expected, got));
  }
});

test('an unknown key of the network is named with the nearest', () => {
  expect(() => {
    checkDataset(set([0, 1, 2]), { num_clases: 3 } as DatasetRequirements);
  }).toThrow(expect.objectContaining({ op: 'num_clases', hint: 'Did you mean num_classes?' }));
});

test('hints say what to pass', () => {
  const hintOf = (network: DatasetRequirements): unknown => {
    try {
      checkDataset(set([0, 1, 2]), network);
    } catch (error) {
      return (error as ParamError).hint;
    }
    return 'none';
  };
  expect(hintOf({ in_chans: 4 })).toBe('Pass a network for 3 channels, or images of 4.');
  const other = 'Pass the data set of the network, or train a network for the classes of this one.';
  expect(hintOf({ num_classes: 4 })).toBe(other);
  expect(hintOf({ class_names: ['cat', 'dog', 'cow'] })).toBe(other);
});
