import { expect, test } from '@jest/globals';
import { ParamError } from '../../../src/core/errors.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';

const imageOf = (set: ImageSet, i: number): Uint8Array => {
  const size = set.channels * set.height * set.width;
  return set.images.subarray(i * size, (i + 1) * size);
};

test('an image depends only on the seed and its index', () => {
  const set = drawShapes(20, { seed: 5 });
  expect(drawShapes(20, { seed: 5 })).toEqual(set);
  const later = drawShapes(3, { seed: 5, first: 14 });
  expect(imageOf(later, 2)).toEqual(imageOf(set, 16));
  expect(later.labels[2]).toBe(6);
  expect(imageOf(drawShapes(1, { seed: 6 }), 0)).not.toEqual(imageOf(set, 0));
  expect(imageOf(set, 10)).not.toEqual(imageOf(set, 0));
});

test('there are ten classes of equal size, in the given image size', () => {
  const set = drawShapes(30, { seed: 0, size: 16 });
  expect(set.classNames).toHaveLength(10);
  expect([...set.labels]).toEqual(Array.from({ length: 30 }, (_, i) => i % 10));
  expect([set.channels, set.height, set.width, set.images.length]).toEqual([3, 16, 16, 30 * 3 * 256]);
});

/** Accuracy of the nearest neighbor by some features. */
function nearest(features: (image: Uint8Array) => number[]): number {
  const [train, heldOut] = [drawShapes(600, { seed: 3 }), drawShapes(200, { seed: 3, first: 2 ** 31 })];
  const known = Array.from({ length: train.n }, (_, i) => features(imageOf(train, i)));
  let right = 0;
  for (let i = 0; i < heldOut.n; i++) {
    const mine = features(imageOf(heldOut, i));
    const distances = known.map((theirs) => theirs.reduce((sum, v, k) => sum + (v - mine[k]) ** 2, 0));
    if (train.labels[distances.indexOf(Math.min(...distances))] === heldOut.labels[i]) right++;
  }
  return right / heldOut.n;
}

test('the mean color does not distinguish the classes', () => {
  const meanColor = (image: Uint8Array): number[] =>
    [0, 1, 2].map((c) => image.subarray(c * 1024, (c + 1) * 1024).reduce((a, b) => a + b, 0) / 1024);
  expect(nearest(meanColor)).toBeLessThan(0.25);
});

test.each([
  [0, { seed: 0 }],
  [1.5, { seed: 0 }],
  [1, { seed: -1 }],
  [1, { seed: 2 ** 32 }],
  [1, { seed: 0, size: 4 }],
  [1, { seed: 0, size: 8.5 }],
  [2, { seed: 0, first: 2 ** 32 - 1 }],
])('refuses %d images with %j', (n, options) => {
  expect(() => drawShapes(n, options)).toThrow(ParamError);
});
