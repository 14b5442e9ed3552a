/** Held against Pillow, torchvision and timm, bit for bit. */
import { expect, test } from '@jest/globals';
import * as crop from '../../src/image/crop.js';
import * as fitting from '../../src/image/preprocess.js';
import { resize } from '../../src/image/resize.js';
import * as golden from './goldens.js';

const ours = { ...crop, ...fitting, resize };

test('the goldens are the ones that were written', () => {
  const { generator, bytes } = golden.goldens;
  expect(golden.hashes).toEqual({ generator, bytes });
});

test("resize is Pillow's", () => {
  expect(golden.goldens.resize.length).toBeGreaterThan(100);
  expect(golden.judgeResize(ours)).toEqual([]);
});

test("the center crop is torchvision's", () => {
  expect(golden.judgeCrop(ours)).toEqual([]);
});

test("sizes and offsets are torchvision's and timm's", () => {
  expect(golden.goldens.sizes.length).toBeGreaterThan(300);
  expect(golden.judgeSizes(ours)).toEqual([]);
});

test("an image is brought to a network's size as by timm", () => {
  expect(golden.judgeFit(ours)).toEqual([]);
});

test('and normalized, in planes', () => {
  expect(golden.judgeNormalized(ours)).toEqual([]);
});
