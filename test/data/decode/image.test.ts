import { describe, expect, test } from '@jest/globals';
import { readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { pathToFileURL } from 'node:url';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { decodeImage, readImage } from '../../../src/data/decode/image.js';
import { checkFileHead } from '../../../src/data/decode/imageHead.js';
import { imageInfo } from '../../../src/image/imageInfo.js';
import { orient } from '../../../src/image/orient.js';
import { FILES, withChunk } from '../../image/imageFiles.js';
import { refusal } from '../../io/refusal.js';
import { linuxTest } from '../../platform.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { crc32 } from '../sets/crc32.js';

const path = temporaryFolder();

/** An image computed by a function of x and y. */
function draw(width: number, height: number, pixel: (x: number, y: number) => readonly number[]): Sharp {
  const pixels = Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width)));
  const channels = pixels[0].length as 1 | 2 | 3 | 4;
  return sharp(Uint8Array.from(pixels.flat()), { raw: { width, height, channels } });
}

const noisy = draw(64, 48, (x, y) => [(x * 37 + y * 91) % 256, (x * x + y * 13) % 256, (x * y * 7) % 256]);
const near = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.max(...Array.from(b, (v, i) => Math.abs(v - a[i])));

describe('decodes', () => {
  test('PNG, exactly, from a file', async () => {
    await noisy.clone().png().toFile(path('a.png'));
    const image = await readImage(path('a.png'));
    expect([image.width, image.height]).toEqual([64, 48]);
    expect(Buffer.compare(image.data, await noisy.clone().raw().toBuffer())).toBe(0);
  });

  test('JPEG and WebP, approximately', async () => {
    const flat = draw(16, 16, () => [200, 60, 30]);
    for (const bytes of [await flat.clone().jpeg({ quality: 100 }).toBuffer(), await flat.clone().webp().toBuffer()]) {
      const { data } = await decodeImage(bytes, 'x');
      expect(data.length).toBe(16 * 16 * 3);
      expect(near(data, [200, 60, 30])).toBeLessThan(6);
    }
  });

  test('gray with and without alpha, and colors with alpha', async () => {
    const gray = await draw(2, 1, (x) => [x * 100])
      .toColorspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decodeImage(gray, 'x')).data]).toEqual([0, 0, 0, 100, 100, 100]);
    const grayAlpha = await draw(2, 1, (x) => [x * 100, 9])
      .toColorspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decodeImage(grayAlpha, 'x')).data]).toEqual([0, 0, 0, 100, 100, 100]);
    const alpha = await draw(1, 1, () => [200, 50, 20, 30])
      .png()
      .toBuffer();
    expect([...(await decodeImage(alpha, 'x')).data]).toEqual([200, 50, 20]);
  });

  test('16 bits', async () => {
    const raw = { width: 2, height: 1, channels: 3 } as const;
    const deep = sharp(Uint16Array.from([0, 0x8000, 0xffff, 0x1234, 0x0100, 0xff00]), { raw });
    const bytes = await deep.toColorspace('rgb16').png().toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(bytes, 'x')).data]).toEqual([0, 128, 255, 0x12, 1, 255]);
  });

  test('palettes', async () => {
    const palette = await draw(8, 8, (x) => [x < 4 ? 255 : 0, 0, 0])
      .png({ palette: true })
      .toBuffer();
    expect([...(await decodeImage(palette, 'x')).data.subarray(9, 15)]).toEqual([255, 0, 0, 0, 0, 0]);
  });

  test('with the EXIF orientation applied', async () => {
    // Stored with the bright half on the left. Orientation 6 rotates clockwise: the bright half is on top.
    const rotated = draw(16, 8, (x) => (x < 8 ? [250, 250, 250] : [5, 5, 5]));
    const bytes = await rotated.withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
    const { data, width, height } = await decodeImage(bytes, 'x');
    expect([width, height]).toEqual([8, 16]);
    expect([data[0], data[7 * 3], data[15 * 8 * 3], data[data.length - 1]].map((v) => v > 128)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('the orientation of imageInfo is applied', () => {
  const stored = draw(5, 3, (x, y) => [50 * x, 80 * y, 7]);

  test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('%i', async (orientation) => {
    for (const format of ['png', 'webp'] as const) {
      const file = await stored.clone().withMetadata({ orientation }).toFormat(format, { lossless: true }).toBuffer();
      const data = new Uint8Array(await stored.clone().raw().toBuffer());
      const upright = orient({ data, width: 5, height: 3 }, orientation);
      const got = await decodeImage(file, 'x');
      expect([got.width, got.height, ...got.data]).toEqual([upright.width, upright.height, ...upright.data]);
    }
  });

  test.each([
    ['LONG', 4, [0, 0, 0, 6], 6],
    ['BYTE', 1, [6, 0, 0, 0], 1],
  ] as const)('of type %s, as by Pillow', async (_, type, value, orientation) => {
    const head = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, type, 0, 0, 0, 1];
    const exif = Buffer.from([...head, ...value, 0, 0, 0, 0]);
    const file = withChunk(await stored.clone().png().toBuffer(), 'eXIf', exif);
    expect(imageInfo(file).orientation).toBe(orientation);
    const { width, height } = await decodeImage(file, 'x');
    expect([width, height]).toEqual(orientation === 6 ? [3, 5] : [5, 3]);
  });
});

describe('refuses', () => {
  test('a missing file, a folder', async () => {
    const missing = refusal(DataError, path('no.png'), 'a readable file', 'no such file or folder');
    await expect(readImage(path('no.png'))).rejects.toThrow(missing);
    await expect(readImage(path())).rejects.toThrow(refusal(DataError, path(), 'a readable file', 'a folder'));
  });

  test('bytes without memory', async () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    const error = refusal(ParamError, 'readImage', 'a Uint8Array', 'a detached buffer');
    await expect(readImage(bytes)).rejects.toThrow(error);
  });

  test('a file that is not an image', async () => {
    await writeFile(path('text.png'), 'just text');
    await writeFile(path('empty.png'), '');
    const text = refusal(DataError, path('text.png'), 'a PNG, JPEG or WebP image', 'text that begins with "just text"');
    await expect(readImage(path('text.png'))).rejects.toThrow(text);
    const empty = refusal(DataError, path('empty.png'), 'a PNG, JPEG or WebP image', 'an empty file');
    await expect(readImage(path('empty.png'))).rejects.toThrow(empty);
  });

  test('other formats that sharp supports', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>');
    const gif = await noisy.clone().gif().toBuffer();
    const tiff = await noisy.clone().tiff().toBuffer();
    for (const [bytes, kind] of [
      [svg, 'an SVG image'],
      [gif, 'a GIF image'],
      [tiff, 'a TIFF image'],
    ] as const) {
      const refused = decodeImage(bytes, 'x.png');
      await expect(refused).rejects.toThrow(refusal(DataError, 'x.png', 'a PNG, JPEG or WebP image', kind));
      await expect(refused).rejects.toMatchObject({ hint: 'Convert it first, for example: magick IN out.png.' });
    }
    await expect(decodeImage(Buffer.from('%PDF-1.7'), 'x.png')).rejects.toMatchObject({
      got: 'a PDF document',
      hint: 'Check the path or URL.',
    });
  });

  test('truncated images', async () => {
    const whole = [
      await noisy.clone().png().toBuffer(),
      await noisy.clone().jpeg().toBuffer(),
      await noisy.clone().webp().toBuffer(),
    ];
    for (const bytes of whole) {
      for (const part of [0.02, 0.3, 0.7, 0.95]) {
        const cut = bytes.subarray(0, Math.max(12, Math.floor(bytes.length * part)));
        await expect(decodeImage(cut, 'cut')).rejects.toThrow(refusal(DataError, 'cut', 'a whole image', ''));
      }
    }
    await expect(decodeImage(whole[0].subarray(0, -2000), 'cut')).rejects.toMatchObject({
      // The first line of what the decoder says.
      got: expect.stringMatching(/^[^\n]{9,}$/),
      hint: 'Download or copy the file again, or repair it, for example: magick in.jpg out.png.',
      cause: expect.anything(),
    });
  });

  test('a file of another kind by its beginning, without reading the rest', async () => {
    await writeFile(path('huge.png'), 'GIF89a');
    // Nothing is written to the disk.
    await truncate(path('huge.png'), 3 * 2 ** 30);
    await expect(readImage(path('huge.png'))).rejects.toThrow(
      refusal(DataError, path('huge.png'), 'a PNG, JPEG or WebP image', 'a GIF image'),
    );
  });

  test('a small file with a huge image', async () => {
    const bomb = await draw(1, 1, () => [1, 2, 3])
      .png()
      .toBuffer();
    // Width and height in IHDR; the checksum covers type and content.
    bomb.writeUInt32BE(100_000, 16);
    bomb.writeUInt32BE(100_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    await expect(decodeImage(bomb, 'bomb')).rejects.toThrow(
      refusal(DataError, 'bomb', 'an image of at most 178956970 pixels', '100000 x 100000'),
    );
  });

  test('more pixels than maxPixels', async () => {
    const bytes = await noisy.clone().png().toBuffer();
    for (const maxPixels of [64 * 48, 64 * 48 + 0.5, Infinity]) {
      expect((await decodeImage(bytes, 'x', { maxPixels })).width).toBe(64);
    }
    const refused = decodeImage(bytes, 'x', { maxPixels: 64 * 48 - 1 });
    await expect(refused).rejects.toThrow(refusal(DataError, 'x', 'an image of at most 3071 pixels', '64 x 48'));
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('raise maxPixels') });
    for (const maxPixels of [0, NaN, -1]) {
      await expect(decodeImage(bytes, 'x', { maxPixels })).rejects.toThrow(
        refusal(ParamError, 'maxPixels', 'a number >= 1', `${maxPixels}`),
      );
    }
  });

  test('JPEG of more than 100 scans', async () => {
    const bytes = await noisy.clone().jpeg({ progressive: true }).toBuffer();
    const { scans } = imageInfo(bytes);
    // Refines the last bit of the first coefficients again, without data.
    const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0x10]);
    const withScans = (count: number): Buffer =>
      Buffer.concat([bytes.subarray(0, -2), ...Array<Buffer>(count - scans).fill(scan), bytes.subarray(-2)]);
    // These scans are not valid, which the decoder finds.
    await expect(decodeImage(withScans(100), 'x')).rejects.toThrow(refusal(DataError, 'x', 'a whole image', ''));
    await expect(decodeImage(withScans(101), 'x')).rejects.toThrow(
      refusal(DataError, 'x', 'a JPEG of at most 100 scans', '101'),
    );
  });

  test.each([
    ['animated png', 'one picture', 'an animation', 'in.png[0]'],
    ['animated webp', 'one picture', 'an animation', 'in.webp[0]'],
    ['jpeg in cmyk', 'RGB or gray', 'CMYK', '-colorspace sRGB'],
  ])('%s', async (kind, expected, got, hint) => {
    const refused = decodeImage(await FILES[kind](), 'x');
    await expect(refused).rejects.toThrow(refusal(DataError, 'x', expected, got));
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining(hint) });
  });

  test('gray of 16 bits', async () => {
    const raw = { width: 2, height: 1, channels: 1 } as const;
    const bytes = await sharp(Uint16Array.from([1, 2]), { raw })
      .toColorspace('grey16')
      .png()
      .toBuffer();
    await expect(decodeImage(bytes, 'x')).rejects.toThrow(
      refusal(DataError, 'x', 'samples of 8 bits', 'gray of 16 bits'),
    );
  });

  test('JPEG of 12 bits', async () => {
    const bytes = Buffer.from(await FILES.jpeg());
    bytes[bytes.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12;
    await expect(decodeImage(bytes, 'x')).rejects.toThrow(refusal(DataError, 'x', 'of 8 bits', 'rgb of 12 bits'));
  });

  test('an unknown option', async () => {
    const options = { maxPixel: 1 } as object;
    const refused = decodeImage(await FILES.jpeg(), 'x', options);
    await expect(refused).rejects.toThrow(refusal(ParamError, 'maxPixel', 'maxPixels', 'an unknown key'));
    await expect(refused).rejects.toMatchObject({ hint: 'Did you mean maxPixels?' });
  });
});

test('the beginning of a file that is missing cannot be checked', async () => {
  const refused = checkFileHead(path('gone.png'));
  await expect(refused).rejects.toThrow(
    refusal(DataError, path('gone.png'), 'a readable file', 'no such file or folder'),
  );
  await expect(refused).rejects.toMatchObject({ hint: expect.stringMatching(/\.$/), cause: expect.anything() });
});

linuxTest('/proc/self/fd')('a file whose beginning was checked is closed', async () => {
  await noisy.clone().png().toFile(path('head.png'));
  await checkFileHead(path('head.png'));
  const handles = await readdir('/proc/self/fd');
  const open = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  expect(open).not.toContain(path('head.png'));
});

describe('readImage accepts', () => {
  test('a path, a file: URL, and bytes', async () => {
    const bytes = await noisy.clone().png().toBuffer();
    await writeFile(path('a b.png'), bytes);
    const padded = Buffer.concat([Buffer.from('xx'), bytes]).subarray(2);
    for (const source of [path('a b.png'), pathToFileURL(path('a b.png')), bytes, padded, new Uint8Array(bytes)]) {
      expect((await readImage(source)).data).toEqual((await decodeImage(bytes, 'x')).data);
    }
    await expect(readImage(bytes, { maxPixels: 9 })).rejects.toThrow(refusal(DataError, 'readImage', 'at most 9', ''));
    await expect(readImage(path('a b.png'), { maxPixels: 9 })).rejects.toThrow(path('a b.png'));
  });

  test.each<[unknown, string]>([
    [null, 'Null'],
    [undefined, 'Undefined'],
    [7, 'Number'],
    [new Float32Array(3), 'Float32Array'],
    [new ArrayBuffer(3), 'ArrayBuffer'],
  ])('not %p', async (source, got) => {
    await expect(readImage(source as string)).rejects.toThrow(
      refusal(ParamError, 'readImage', 'a path, a file: URL or a Uint8Array', got),
    );
  });

  test.each<[unknown, string]>([
    [new URL('https://example.com/a.png'), 'https://example.com/a.png'],
    ['https://example.com/a.png', 'https://example.com/a.png'],
    ['s3://bucket/a.png', 's3://bucket/a.png'],
  ])('no URL of a server: %p', async (source, got) => {
    const refused = readImage(source as string);
    await expect(refused).rejects.toThrow(refusal(ParamError, 'readImage', 'a path on this machine', got));
    await expect(refused).rejects.toMatchObject({ hint: 'Download it first, and pass the path of the file.' });
  });

  linuxTest('/dev/null')('no device, whose content may never end', async () => {
    await expect(readImage('/dev/null')).rejects.toThrow(
      refusal(DataError, '/dev/null', 'a readable file', 'a device'),
    );
  });

  test('no path with NUL, and no invalid file: URL', async () => {
    await expect(readImage('a\0b.png')).rejects.toThrow(refusal(ParamError, 'readImage', 'a path', 'null character'));
    await expect(readImage('file:///%zz')).rejects.toThrow(refusal(ParamError, 'readImage', 'a path', 'file: URL'));
  });

  test('nothing that makes a long message', async () => {
    const text = 'no image'.repeat(1000);
    await expect(readImage(Buffer.from(text))).rejects.toMatchObject({
      message:
        'readImage: expected a PNG, JPEG or WebP image, got text that begins with "no imageno imageno imageno imageno image"',
    });
  });
});
