/** Compares decoded pictures with Pillow's pixels. */
import { expect } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import { decodeImage } from '../../../src/data/decode/image.js';

/** A picture that `pictures.py` draws: a file, and the pixels that Pillow reads, in base64. */
export interface Picture {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
}

/**
 * What is refused on every runtime: not every decoder reads CMYK and animations, and Pillow clips gray of 16 bits to
 * white.
 */
export const isRefused = (name: string): boolean => /cmyk|ycck|animated|gray.*16 bits/.test(name);

/** Decodes a picture, and expects Pillow's pixels or a refusal. */
export async function comparePicture(name: string, { file, width, height, pixels }: Picture): Promise<void> {
  const decoded = decodeImage(Buffer.from(file, 'base64'), name);
  if (isRefused(name)) {
    await expect(decoded).rejects.toThrow(DataError);
    return;
  }
  const image = await decoded;
  expect([image.width, image.height]).toEqual([width, height]);
  const expected = Buffer.from(pixels, 'base64');
  const differences = [...expected].filter((value, i) => value !== image.data[i]).length;
  expect([name, image.data.length, differences]).toEqual([name, expected.length, 0]);
}
