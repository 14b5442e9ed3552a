/** Files are decoded as the set says: with or without their EXIF orientation. */
import { beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { readImage } from '../../../src/data/decode/image.js';
import { createFileReader, createImageReader } from '../../../src/data/loader/readFiles.js';
import type { RgbImage } from '../../../src/image/pixelImage.js';
import { orientedImage } from '../../image/imageFiles.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const NAMES = ['a.png'];
const fit = { size: [4, 4], resize: 'exact', crop_pct: 1, interpolation: 'bilinear' } as const;

beforeAll(async () => {
  await writeFile(path('a.png'), await orientedImage('png', 6));
});

/** The file in its original size, and as it is fitted. */
async function read(orientation: { readonly exifOrientation?: boolean }) {
  const source = { root: path(''), fit, ...orientation };
  const images: RgbImage[] = [];
  await createImageReader(source)(NAMES, (image) => void images.push(image));
  const pixels = new Uint8Array(3 * 4 * 4);
  await createFileReader(source)(NAMES, pixels);
  return { image: images[0], pixels };
}

test('the orientation is applied by default, and left out on request', async () => {
  const upright = await readImage(path('a.png'));
  const stored = await readImage(path('a.png'), { exifOrientation: false });
  expect([upright.height, upright.width]).toEqual([stored.width, stored.height]);
  expect(upright.height).not.toBe(upright.width);
  const [byDefault, on, off] = [
    await read({}),
    await read({ exifOrientation: true }),
    await read({ exifOrientation: false }),
  ];
  expect(byDefault.image).toEqual(upright);
  expect(on).toEqual(byDefault);
  expect(off.image).toEqual(stored);
  expect(off.pixels).not.toEqual(on.pixels);
});
