/** Compares src/image with Pillow, torchvision and timm, bit for bit. */
import { expect, test } from '@jest/globals';
import * as crop from '../../src/image/crop.js';
import * as preprocessing from '../../src/image/preprocess.js';
import { resize } from '../../src/image/resize.js';
import * as golden from './goldens.js';

const functions = { ...crop, ...preprocessing, resize };

test('generate.py and goldens.bin have the hashes in goldens.json', () => {
  const { generator, bytes } = golden.goldens;
  expect(golden.hashes).toEqual({ generator, bytes });
});

test("resize equals Pillow's", () => {
  expect(golden.goldens.resize.length).toBeGreaterThan(100);
  expect(golden.judgeResize(functions)).toEqual([]);
});

test("centerCrop equals torchvision's", () => {
  expect(golden.judgeCrop(functions)).toEqual([]);
});

test('sizes and offsets equal those of torchvision and timm', () => {
  expect(golden.goldens.sizes.length).toBeGreaterThan(300);
  expect(golden.judgeSizes(functions)).toEqual([]);
});

test("fit equals timm's resize and crop", () => {
  expect(golden.judgeFit(functions)).toEqual([]);
});

test("preprocess equals timm's transform with normalization", () => {
  expect(golden.judgeNormalized(functions)).toEqual([]);
});
