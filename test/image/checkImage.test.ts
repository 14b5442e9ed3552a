/** Images that are refused before they are decoded, and grayscale. */
import { describe, expect, test } from '@jest/globals';
import { DataError } from '../../src/core/errors.js';
import { checkImage, MAX_PIXELS } from '../../src/image/checkImage.js';
import { isGrayscale, luma, lumaPlane } from '../../src/image/luma.js';
import { refusal } from '../io/refusal.js';
import { FILES, HEIGHT, WIDTH } from './imageFiles.js';

const check = async (name: string, maxPixels = MAX_PIXELS) => checkImage(await FILES[name](), 'a', maxPixels).format;

test.each([
  ['jpeg', 'jpeg'],
  ['progressive jpeg', 'jpeg'],
  ['jpeg in gray', 'jpeg'],
  ['png of 8 bits', 'png'],
  ['png of 16 bits', 'png'],
  ['png in gray', 'png'],
  ['png of a palette with alpha', 'png'],
  ['lossless webp', 'webp'],
])('a %s is read, as %s', async (name, format) => {
  expect(await check(name)).toBe(format);
});

describe('refused:', () => {
  test('more pixels than the bound, with what to do', async () => {
    const pixels = WIDTH * HEIGHT;
    expect(await check('jpeg', pixels)).toBe('jpeg');
    const loading = check('jpeg', pixels - 1);
    await expect(loading).rejects.toThrow(
      refusal(DataError, 'a', `an image of at most ${pixels - 1} pixels`, `${WIDTH} x ${HEIGHT}`),
    );
    await expect(loading).rejects.toMatchObject({
      hint: 'Scale it down first, or raise maxPixels if you trust the file.',
    });
  });

  test.each([
    ['animated png', 'one picture', 'an animation', 'Convert it first, for example: magick "in.png[0]" out.png.'],
    ['animated webp', 'one picture', 'an animation', 'Convert it first, for example: magick "in.webp[0]" out.png.'],
    ['jpeg in cmyk', 'RGB or gray', 'CMYK', 'Convert it first, for example: magick in.jpg -colorspace sRGB out.jpg.'],
  ])('a %s', async (name, expected, got, hint) => {
    await expect(check(name)).rejects.toThrow(refusal(DataError, 'a', expected, got));
    await expect(check(name)).rejects.toMatchObject({ hint });
  });

  test('more than 100 scans', async () => {
    const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    const file = (await FILES['jpeg']()).subarray(0, -2);
    const scans = (count: number) => Buffer.concat([file, ...Array.from({ length: count - 1 }, () => scan)]);
    expect(checkImage(scans(100), 'a', MAX_PIXELS)).toMatchObject({ format: 'jpeg', scans: 100 });
    expect(() => checkImage(scans(101), 'a', MAX_PIXELS)).toThrow(
      refusal(DataError, 'a', 'a JPEG of at most 100 scans', '101'),
    );
  });

  test('gray of 16 bits in a PNG, and more than 8 bits in a JPEG', async () => {
    const gray = Buffer.from(await FILES['png in gray']());
    gray[24] = 16;
    const error = refusal(DataError, 'a', 'samples of 8 bits', 'gray of 16 bits');
    expect(() => checkImage(gray, 'a', MAX_PIXELS)).toThrow(error);
    expect(() => checkImage(gray, 'a', MAX_PIXELS)).toThrow(
      expect.objectContaining({ hint: 'Convert it first, for example: magick in.png -depth 8 out.png.' }),
    );
    const jpeg = Buffer.from(await FILES['jpeg']());
    jpeg[jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12;
    expect(() => checkImage(jpeg, 'a', MAX_PIXELS)).toThrow(
      refusal(DataError, 'a', 'samples of 8 bits', 'rgb of 12 bits'),
    );
  });
});

test("luma is Pillow's: (19595 r + 38470 g + 7471 b + 32768) / 65536, rounded down", () => {
  expect(luma(0, 0, 0)).toBe(0);
  expect(luma(255, 255, 255)).toBe(255);
  // Image.new('RGB', (1, 1), color).convert('L') of Pillow.
  expect([luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255), luma(10, 20, 30)]).toEqual([76, 150, 29, 18]);
  expect([...lumaPlane(Uint8Array.of(255, 10, 0, 20, 0, 30), 2)]).toEqual([76, 18]);
});

test('three channels become one for a single mean and deviation', () => {
  expect(isGrayscale(3, [0.5], [0.5])).toBe(true);
  expect(isGrayscale(1, [0.5], [0.5])).toBe(false);
  expect(isGrayscale(3, [0.5, 0.5, 0.5], [0.5])).toBe(false);
  expect(isGrayscale(3, [0.5], [0.5, 0.5, 0.5])).toBe(false);
  // Callers without types may pass anything, which is refused later.
  for (const none of [null, undefined] as never[]) expect(isGrayscale(3, none, [0.5])).toBe(false);
});
