/** The interpolation kernels at the ends of their intervals, and the names that errors of image functions have. */
import { expect, test } from '@jest/globals';
import { DataError, ParamError } from '../../src/core/errors.js';
import { centerCrop, cut } from '../../src/image/crop.js';
import type { Orientation } from '../../src/image/info/types.js';
import { KERNELS } from '../../src/image/kernels.js';
import { normalizationTables, normalize } from '../../src/image/normalize.js';
import { orient } from '../../src/image/orient.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import { resize } from '../../src/image/resize.js';
import { refusal } from '../io/refusal.js';

test('the box is 1 in (-1/2, 1/2]', () => {
  expect([-0.75, -0.5, -0.25, 0, 0.5, 0.51].map((x) => KERNELS.box.at(x))).toEqual([0, 0, 1, 1, 1, 0]);
});

test('the tent is 1 - |x|', () => {
  expect([-2, -0.25, 0, 0.5, 1, 3].map((x) => KERNELS.bilinear.at(x))).toEqual([0, 0.75, 1, 0.5, 0, 0]);
});

test("Keys' kernel interpolates: 1 at 0, 0 at other integers and from 2 on", () => {
  expect([-3, -2, -1, 0, 1, 2, 3, 2.5].map((x) => KERNELS.bicubic.at(x))).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
  // -(1/2) (|x|^3 - 5 |x|^2 + 8 |x| - 4) and (3/2) |x|^3 - (5/2) |x|^2 + 1
  expect([-1.5, -0.5, 0.5, 1.5].map((x) => KERNELS.bicubic.at(x))).toEqual([-0.0625, 0.5625, 0.5625, -0.0625]);
});

const words: PixelImage = { data: new Uint16Array(12) as unknown as Uint8Array, width: 2, height: 2 };

test.each([
  ['cut', () => cut(words, { top: 0, left: 0, height: 1, width: 1 })],
  ['centerCrop', () => centerCrop(words, [1, 1])],
  ['normalize', () => normalize(words, [0, 0, 0], [1, 1, 1])],
  ['resize', () => resize(words, [1, 1])],
  ['orient', () => orient(words, 2)],
])('an error of %s has its name', (op, call) => {
  expect(call).toThrow(refusal(DataError, op, 'pixels in a Uint8Array', 'Uint16Array'));
});

test('errors of orient and normalize show what was passed', () => {
  const image = { data: new Uint8Array(12), width: 2, height: 2 };
  expect(() => orient(image, 9 as Orientation)).toThrow(refusal(ParamError, 'orient', 'an orientation, 1 to 8', '9'));
  expect(() => normalizationTables(2, [0.5, NaN], [1, 2])).toThrow(
    refusal(ParamError, 'normalize', 'finite means and deviations > 0', '[0.5,NaN] and [1,2]'),
  );
  expect(() => normalizationTables(2, [0.5, 0], [1, 0])).toThrow(
    refusal(ParamError, 'normalize', 'finite means and deviations > 0', '[0.5,0] and [1,0]'),
  );
});

test('deviations so small that a pixel is infinite are refused', () => {
  const expected = 'values of pixels that are finite in float32';
  for (const [mean, std] of [
    [0, 1e-320],
    [1, 1e-320],
    [0.5, 1e-39],
  ]) {
    const error = refusal(ParamError, 'normalize', expected, `mean ${mean} and deviation ${std}`);
    expect(() => normalizationTables(1, [mean], [std])).toThrow(error);
  }
  expect(normalizationTables(1, [0], [1e-38])[0][255]).toBe(1 / 1e-38);
});

test('resize refuses an unknown interpolation and lists those that there are', () => {
  const image = { data: new Uint8Array(12), width: 2, height: 2 };
  expect(() => resize(image, [1, 1], 'lanczos' as 'box')).toThrow(
    refusal(ParamError, 'interpolation', 'bicubic, bilinear, box', 'lanczos'),
  );
});

test('a crop larger than the image is centered as torchvision does: more black at the bottom', () => {
  const image = { data: Uint8Array.from([9, 9, 9, 8, 8, 8]), width: 1, height: 2 };
  const column = (height: number) => [...centerCrop(image, [height, 1]).data].filter((_, i) => i % 3 === 0);
  expect(column(3)).toEqual([9, 8, 0]);
  expect(column(4)).toEqual([0, 9, 8, 0]);
  expect(column(1)).toEqual([9]);
});
