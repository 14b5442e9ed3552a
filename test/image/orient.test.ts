/** Compares `orient` with sharp's `autoOrient`. */
import { describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import type { Orientation } from '../../src/image/info/types.js';
import { imageInfo } from '../../src/image/imageInfo.js';
import { orient } from '../../src/image/orient.js';
import { PIXELS, HEIGHT, orientedImage, WIDTH } from './imageFiles.js';

const ORIENTATIONS: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

const raw = (image: Sharp) => image.removeAlpha().raw().toBuffer({ resolveWithObject: true });

describe.each(['png', 'jpeg', 'webp'] as const)('%s', (format) => {
  test.each(ORIENTATIONS)('orientation %i', async (orientation) => {
    const file = await orientedImage(format, orientation);
    const stored = await raw(sharp(file));
    const upright = await raw(sharp(file).autoOrient());
    const { width, height } = stored.info;
    const got = orient({ data: stored.data, width, height }, imageInfo(file).orientation);
    expect([got.width, got.height]).toEqual([upright.info.width, upright.info.height]);
    expect(Buffer.from(got.data)).toEqual(upright.data);
  });
});

const image = { data: PIXELS, width: WIDTH, height: HEIGHT };

test.each(ORIENTATIONS)('moves alpha with its pixel: orientation %i', (orientation) => {
  const rgba = Uint8ClampedArray.from({ length: 4 * WIDTH * HEIGHT }, (_, i) =>
    i % 4 < 3 ? PIXELS[3 * (i >> 2) + (i % 4)] : PIXELS[3 * (i >> 2)],
  );
  const { data } = orient({ data: rgba, width: WIDTH, height: HEIGHT }, orientation);
  const without = orient(image, orientation).data;
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const pixel = [...without.subarray(3 * i, 3 * i + 3)];
    expect([...data.subarray(4 * i, 4 * i + 4)]).toEqual([...pixel, pixel[0]]);
  }
});

test('does not copy an upright image', () => {
  expect(orient(image, 1)).toBe(image);
});

test('refuses an invalid image and an invalid orientation', () => {
  for (const orientation of [0, 9, 1.5, NaN, undefined, 'toString']) {
    expect(() => orient(image, orientation as Orientation)).toThrow(ParamError);
  }
  expect(() => orient({ ...image, width: 1 }, 2)).toThrow(ShapeError);
  expect(() => orient({ ...image, data: new Float32Array(3) as unknown as Uint8Array }, 2)).toThrow(DataError);
});
