import { expect, test } from '@jest/globals';
import { cos, sin } from '../../../src/core/elementary.js';
import { ParamError } from '../../../src/core/errors.js';
import { philox4x32, uniform } from '../../../src/core/philox.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { drawShapes, type ShapesOptions } from '../../../src/data/sets/shapes.js';

const imageOf = (set: ImageSet, i: number): Uint8Array => {
  const size = set.channels * set.height * set.width;
  return set.images.subarray(i * size, (i + 1) * size);
};

test('an image depends only on the seed and its index', () => {
  const size = 12;
  const set = drawShapes(20, { seed: 5, size });
  expect(drawShapes(20, { seed: 5, size })).toEqual(set);
  const later = drawShapes(3, { seed: 5, size, first: 14 });
  expect(imageOf(later, 2)).toEqual(imageOf(set, 16));
  expect(later.labels[2]).toBe(6);
  expect(imageOf(drawShapes(1, { seed: 6, size }), 0)).not.toEqual(imageOf(set, 0));
  expect(imageOf(set, 10)).not.toEqual(imageOf(set, 0));
});

test('there are ten classes of equal size, in the given image size', () => {
  const set = drawShapes(30, { seed: 0, size: 16 });
  expect(set.classNames).toHaveLength(10);
  expect([...set.labels]).toEqual(Array.from({ length: 30 }, (_, i) => i % 10));
  expect([set.channels, set.height, set.width, set.images.length]).toEqual([3, 16, 16, 30 * 3 * 256]);
});

/** Which points of the square from -1 to 1 belong to a shape. */
const within = (limit: number, ...values: readonly number[]): boolean => values.every((v) => Math.abs(v) <= limit);
const stripe = (x: number, width: number): number => Math.floor((x + 0.9) / width);
const SHAPES: Readonly<Record<string, (u: number, v: number) => boolean>> = {
  disc: (u, v) => u * u + v * v <= 1,
  ring: (u, v) => u * u + v * v <= 1 && u * u + v * v >= 0.58 ** 2,
  square: (u, v) => within(0.9, u, v),
  frame: (u, v) => within(0.9, u, v) && !within(0.52, u, v),
  triangle: (u, v) => v <= 0.85 && within(0.58 * (v + 0.95), u),
  cross: (u, v) => within(1, u, v) && (within(0.32, u) || within(0.32, v)),
  'horizontal bars': (u, v) => within(0.9, u, v) && [0, 2, 4].includes(stripe(v, 0.36)),
  'vertical bars': (u, v) => within(0.9, u, v) && [0, 2, 4].includes(stripe(u, 0.36)),
  diagonal: (u, v) => within(1, u, v) && within(0.42, u - v),
  checker: (u, v) => within(0.9, u, v) && (stripe(u, 0.6) + stripe(v, 0.6)) % 2 === 0,
};

/** An image, pixel by pixel, from its random numbers. */
function picture(name: string, seed: number, index: number, side: number): number[] {
  const draws = Array.from({ length: 12 }, (_, i) => uniform(seed, index, i));
  const between = (i: number, low: number, high: number): number => low + draws[i] * (high - low);
  const dark = [0, 1, 2].map((i) => between(i, 10, 110));
  const shade = between(3, -45, 45);
  const light = [4, 5, 6].map((i) => between(i, 140, 245));
  const radius = between(7, 0.26 * side, 0.42 * side);
  const center = [8, 9].map((i) => between(i, radius, side - radius));
  const [tilt, slope] = [between(10, -0.2, 0.2), between(11, 0, 2 * Math.PI)];
  return dark.flatMap((background, c) =>
    Array.from({ length: side * side }, (_, i) => {
      const [y, x] = [Math.floor(i / side), i % side];
      const [dx, dy] = [(x + 0.5 - center[0]) / radius, (y + 0.5 - center[1]) / radius];
      const isInside = SHAPES[name](dx * cos(tilt) + dy * sin(tilt), dy * cos(tilt) - dx * sin(tilt));
      const gradient = ((x - side / 2) * cos(slope) + (y - side / 2) * sin(slope)) * (2 / side) * shade;
      const noise = 22 * (philox4x32([i, index, 1, 0], [seed, 0])[c] / 2 ** 31 - 1);
      const value = isInside ? light[c] + noise : background + gradient + noise;
      return Math.min(255, Math.max(0, Math.round(value)));
    }),
  );
}

test('every pixel is that of the shape, its colors, the gradient behind it and the noise', () => {
  const side = 32;
  const set = drawShapes(20, { seed: 7, size: side, first: 5 });
  expect(set.classNames).toEqual(Object.keys(SHAPES));
  for (let i = 0; i < set.n; i++) {
    expect(set.labels[i]).toBe((5 + i) % 10);
    expect([i, ...imageOf(set, i)]).toEqual([i, ...picture(set.classNames[set.labels[i]], 7, 5 + i, side)]);
  }
});

/** Accuracy of the nearest neighbor by some features. */
function nearest(features: (image: Uint8Array) => number[]): number {
  const [train, heldOut] = [drawShapes(400, { seed: 3 }), drawShapes(150, { seed: 3, first: 2 ** 31 })];
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

test.each<[number, unknown, string]>([
  [1, null, 'drawShapes: expected an object, got null'],
  [1, { seed: 0, sizes: 8 }, 'sizes: expected one of the keys size, seed, first, got an unknown key'],
  [0, { seed: 0 }, 'drawShapes: n: expected an integer in [1, 4294967296], got 0'],
  [2, { seed: 0, first: 2 ** 32 - 1 }, 'first: expected an integer in [0, 4294967294], got 4294967295'],
  [1, { seed: 0, size: 4 }, 'size: expected an integer in [8, 32768], got 4'],
  [1, { seed: 2 ** 32 }, 'seed: expected an integer in [0, 4294967295], got 4294967296'],
])('says why it refuses %d with %j', (n, options, message) => {
  expect(() => drawShapes(n, options as ShapesOptions)).toThrow(expect.objectContaining({ message }));
});
