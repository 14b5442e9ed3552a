/** `imageInfo` of files that sharp writes, and of manipulated bytes. */
import { describe, expect, test } from '@jest/globals';
import { DataError, ParamError } from '../../src/core/errors.js';
import { imageFormat } from '../../src/image/imageFormat.js';
import { imageInfo } from '../../src/image/imageInfo.js';
import { uniform } from '../wasm/draw.js';
import { chunk, FILES, HEIGHT, PNG_HEAD, orientedImage, WIDTH, withChunk } from './imageFiles.js';

const still = { width: WIDTH, height: HEIGHT, bitDepth: 8, alpha: false, animated: false, scans: 1, orientation: 1 };
const rgb = { ...still, color: 'rgb' };
const png = { ...rgb, format: 'png' };
const jpeg = { ...rgb, format: 'jpeg' };
const webp = { ...rgb, format: 'webp' };

test.each([
  ['png of 8 bits', png],
  ['png of 16 bits', { ...png, bitDepth: 16 }],
  ['png in gray', { ...png, color: 'gray' }],
  ['png with alpha', { ...png, alpha: true }],
  ['png in gray with alpha', { ...png, color: 'gray', alpha: true }],
  ['png of a palette', { ...png, color: 'palette', bitDepth: 4 }],
  ['png of a palette with alpha', { ...png, color: 'palette', bitDepth: 4, alpha: true }],
  ['animated png', { ...png, animated: true }],
  ['jpeg', jpeg],
  ['progressive jpeg', { ...jpeg, scans: 10 }],
  ['jpeg in gray', { ...jpeg, color: 'gray' }],
  ['jpeg in cmyk', { ...jpeg, color: 'cmyk' }],
  ['lossy webp', webp],
  ['lossless webp', webp],
  ['lossy webp with alpha', { ...webp, alpha: true }],
  ['lossless webp with alpha', { ...webp, alpha: true }],
  ['animated webp', { ...webp, animated: true }],
])('%s', async (name, expected) => {
  expect(imageInfo(await FILES[name]())).toEqual(expected);
});

describe.each(['png', 'jpeg', 'webp'] as const)('orientation of a %s', (format) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i', async (orientation) => {
    expect(imageInfo(await orientedImage(format, orientation))).toMatchObject({ format, orientation });
  });
});

/** EXIF with one entry, big-endian or little-endian. */
function exif(entry: { tag?: number; type?: number; value: number }, little: boolean): Buffer {
  const bytes = Buffer.alloc(26);
  const u16 = (value: number, at: number): number =>
    little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const u32 = (value: number, at: number): number =>
    little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(little ? 'II' : 'MM', 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  u16(entry.tag ?? 0x0112, 10);
  u16(entry.type ?? 3, 12);
  u32(1, 14);
  u16(entry.value, 18);
  return bytes;
}

test.each([
  { label: 'little-endian', bytes: exif({ value: 8 }, true), orientation: 8 },
  { label: 'big-endian', bytes: exif({ value: 8 }, false), orientation: 8 },
  {
    label: "with JPEG's prefix",
    bytes: Buffer.concat([Buffer.from('Exif\0\0'), exif({ value: 3 }, true)]),
    orientation: 3,
  },
  { label: 'orientation 0', bytes: exif({ value: 0 }, true), orientation: 1 },
  { label: 'orientation 9', bytes: exif({ value: 9 }, true), orientation: 1 },
  ...[1, 2, 7, 16].map((type) => ({
    label: `the type ${type}, which is no number in Pillow`,
    bytes: exif({ value: 6, type }, true),
    orientation: 1,
  })),
  ...[3, 4, 6, 8, 9, 13].map((type) => ({
    label: `the type ${type}`,
    bytes: exif({ value: 6, type }, true),
    orientation: 6,
  })),
  { label: 'another tag', bytes: exif({ value: 6, tag: 0x0111 }, true), orientation: 1 },
  { label: 'cut off', bytes: exif({ value: 6 }, true).subarray(0, 21), orientation: 1 },
  { label: 'another byte order', bytes: exif({ value: 6 }, true).fill('X', 0, 2), orientation: 1 },
  { label: 'none', bytes: Buffer.alloc(0), orientation: 1 },
])('EXIF: $label', async ({ bytes, orientation }) => {
  const file = await FILES['png of 8 bits']();
  expect(imageInfo(withChunk(file, 'eXIf', bytes)).orientation).toBe(orientation);
});

/** The header of a PNG of any size, followed by an empty chunk of pixels. */
function pngOf(width: number, height: number, depth = 8, type = 2): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, type], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', Buffer.alloc(0))]);
}

test('returns the size of an image of any size', () => {
  expect(imageInfo(pngOf(50_000, 50_000))).toMatchObject({ width: 50_000, height: 50_000 });
  expect(imageInfo(pngOf(2 ** 31, 2 ** 32 - 1))).toMatchObject({ width: 2 ** 31, height: 2 ** 32 - 1 });
});

const app1 = Buffer.from([0xff, 0xe1, 0, 2]);

test('skips other bytes, fill bytes and restarts between the segments of a JPEG, as libjpeg does', async () => {
  const file = await FILES['jpeg']();
  const between = Buffer.from([1, 2, 0xff, 0, 0xff, 0xd3, 0xff, 0xff, 0xff, 0xe1, 0, 2, 7]);
  expect(imageInfo(Buffer.concat([file.subarray(0, 2), app1, between, file.subarray(2)]))).toEqual(jpeg);
});

describe('the number of scans', () => {
  const scans = (file: Uint8Array): number => imageInfo(file).scans;
  const END = Buffer.from([0xff, 0xd9]);
  /** A scan of one component, with a stuffed byte and a restart in its data. */
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0, 0xff, 0xd0, 0x55]);

  test('is right for a file of 50 010 scans', async () => {
    const file = await FILES['progressive jpeg']();
    const many = Buffer.concat(Array.from({ length: 50_000 }, () => scan));
    expect(scans(Buffer.concat([file.subarray(0, -2), many, END]))).toBe(50_010);
  });

  test('does not include scans after the end of the image', async () => {
    const file = await FILES['jpeg']();
    expect(scans(Buffer.concat([file, scan, END]))).toBe(1);
  });

  test('does not include scans in other segments', async () => {
    const file = await FILES['jpeg']();
    const comment = Buffer.from([0xff, 0xfe, 0, 2 + scan.length]);
    expect(scans(Buffer.concat([file.subarray(0, -2), comment, scan, END]))).toBe(1);
  });

  test('includes scans after a segment whose length is too small', async () => {
    const file = await FILES['jpeg']();
    const comment = Buffer.from([0xff, 0xfe, 0, 0]);
    expect(scans(Buffer.concat([file.subarray(0, -2), comment, scan, END]))).toBe(2);
  });

  test('of a truncated file is that of the scans it contains', async () => {
    const file = await FILES['progressive jpeg']();
    const second = file.indexOf(Buffer.from([0xff, 0xda]), file.indexOf(Buffer.from([0xff, 0xda])) + 1);
    expect(scans(file.subarray(0, second + 1))).toBe(1);
    expect(scans(file.subarray(0, second + 2))).toBe(2);
    expect(scans(file.subarray(0, second + 5))).toBe(2);
  });
});

/** The frame header of a JPEG. */
const frameOf = (file: Buffer): Buffer => {
  const at = file.indexOf(Buffer.from([0xff, 0xc0]));
  return file.subarray(at, at + 2 + file.readUInt16BE(at + 2));
};

const INVALID: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  'an empty file': () => Promise.resolve(new Uint8Array(0)),
  'a GIF': () => Promise.resolve(Buffer.from('GIF89a\x01\0\x01\0\0\0\0')),
  'an SVG': () => Promise.resolve(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')),
  'a PNG of width 0': () => Promise.resolve(pngOf(0, 1)),
  'a PNG of height 0': () => Promise.resolve(pngOf(1, 0)),
  'a PNG of 3 bits': () => Promise.resolve(pngOf(1, 1, 3)),
  'a PNG of color type 5': () => Promise.resolve(pngOf(1, 1, 8, 5)),
  'a PNG without pixels': async () => (await FILES['png of 8 bits']()).subarray(0, PNG_HEAD),
  'a PNG that ends without pixels': async () =>
    Buffer.concat([(await FILES['png of 8 bits']()).subarray(0, PNG_HEAD), chunk('IEND', new Uint8Array(0))]),
  'a PNG with another chunk first': async () =>
    withChunk(await FILES['png of 8 bits'](), 'IHDR', app1).fill('J', 12, 13),
  'a JPEG of height 0': async () => {
    const file = Buffer.from(await FILES['jpeg']());
    return file.fill(0, file.indexOf(Buffer.from([0xff, 0xc0])) + 5, file.indexOf(Buffer.from([0xff, 0xc0])) + 7);
  },
  'a JPEG with two frames': async () => {
    const file = await FILES['jpeg']();
    return Buffer.concat([file.subarray(0, 2), frameOf(file), file.subarray(2)]);
  },
  'a JPEG of two components': async () => {
    const file = Buffer.from(await FILES['jpeg']());
    return file.fill(2, file.indexOf(Buffer.from([0xff, 0xc0])) + 9, file.indexOf(Buffer.from([0xff, 0xc0])) + 10);
  },
  'a JPEG without segments': () => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff, 0xd9])),
  'a JPEG with a segment of 1 byte': () => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 1, 0, 0])),
  'a scan without a frame': () => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2])),
  'a WebP with an unknown chunk': async () => Buffer.from(await FILES['lossy webp']()).fill('Y', 15, 16),
  'a lossy WebP without a key frame': async () => Buffer.from(await FILES['lossy webp']()).fill(1, 20, 21),
  'a lossy WebP without its start code': async () => Buffer.from(await FILES['lossy webp']()).fill(0, 23, 24),
  'a lossless WebP without its signature': async () => Buffer.from(await FILES['lossless webp']()).fill(0, 20, 21),
};

test('errors describe a header without an image', () => {
  const end = Buffer.concat([pngOf(1, 1).subarray(0, PNG_HEAD), chunk('IEND', Buffer.alloc(100)), pngOf(1, 1)]);
  expect(() => imageInfo(end)).toThrow('imageInfo: expected a PNG with pixels, got one without');
  const segment = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 1, 0xff, 0xda]);
  expect(() => imageInfo(segment)).toThrow('imageInfo: expected segments of 2 bytes or more, got one of 1');
});

test.each(Object.keys(INVALID))('%s is a DataError', async (name) => {
  const bytes = await INVALID[name]();
  expect(() => imageInfo(bytes, 'a.png')).toThrow(DataError);
  expect(() => imageInfo(bytes, 'a.png')).toThrow(/^a\.png: expected .+, got .+/);
});

/** The number of bytes that `imageInfo` needs. */
const neededBytes = (file: Buffer, name: string): number => {
  if (name.includes('webp')) return file.length;
  return name.includes('png') ? file.indexOf('IDAT') + 4 : file.indexOf(Buffer.from([0xff, 0xda])) + 2;
};

test.each(Object.keys(FILES))('a %s truncated anywhere in its header is a DataError', async (name) => {
  const file = await FILES[name]();
  const head = neededBytes(file, name);
  expect(imageInfo(file.subarray(0, head))).toEqual({ ...imageInfo(file), scans: 1 });
  for (let length = 0; length < head; length++) {
    expect(() => imageInfo(file.subarray(0, length))).toThrow(DataError);
  }
});

test('a value that is not an array of bytes is a ParamError', () => {
  expect(() => imageInfo('a.png' as unknown as Uint8Array)).toThrow(ParamError);
  expect(() => imageInfo(new Float32Array(3) as unknown as Uint8Array)).toThrow(ParamError);
});

test('imageFormat and imageInfo accept a view into a larger array', async () => {
  const file = await FILES['lossy webp']();
  const shifted = new Uint8Array(file.length + 5);
  shifted.set(file, 5);
  expect(imageFormat(shifted.subarray(5))).toBe('webp');
  expect(imageInfo(shifted.subarray(5))).toEqual(webp);
  expect(imageFormat(shifted)).toBeNull();
  expect(imageFormat(file.subarray(0, 11))).toBeNull();
});

describe('hostile bytes', () => {
  /** Returns whether there was a plausible result or a DataError; any other outcome fails the test. */
  const outcomeOf = (bytes: Uint8Array): 'info' | 'error' => {
    try {
      const { width, height, orientation, bitDepth, scans } = imageInfo(bytes);
      const isSize = [width, height, bitDepth].every((n) => Number.isSafeInteger(n) && n >= 0);
      // An `expect` each would take longer than reading the bytes.
      if (!isSize || !(orientation >= 1 && orientation <= 8) || !(scans >= 1)) throw new Error('an implausible result');
      return 'info';
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return 'error';
    }
  };

  test('noise after the signature of a format', () => {
    const random = uniform(1);
    const heads = ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff', 'RIFF\0\0\0\0WEBPVP8X', ''].map((h) =>
      Buffer.from(h, 'latin1'),
    );
    for (let i = 0; i < 4000; i++) {
      const noise = Buffer.from(Array.from({ length: i % 97 }, () => Math.floor(random() * 256)));
      outcomeOf(Buffer.concat([heads[i % heads.length], noise]));
    }
  });

  test.each(Object.keys(FILES))('a %s with bytes changed', async (name) => {
    const random = uniform(2);
    const file = await FILES[name]();
    const head = Math.min(file.length, neededBytes(file, name) + 8);
    const counts = { info: 0, error: 0 };
    for (let i = 0; i < 500; i++) {
      const mutant = Buffer.from(file.subarray(0, name.includes('webp') ? file.length : head));
      for (let n = 0; n <= i % 4; n++) {
        // 0, 1 and 0xff are the critical values of lengths and markers.
        const value = [0, 1, 0xff, Math.floor(random() * 256)][Math.floor(random() * 4)];
        mutant[Math.floor(random() * mutant.length)] = value;
      }
      counts[outcomeOf(mutant)]++;
    }
    // Both outcomes must occur.
    expect(counts.info).toBeGreaterThan(0);
    expect(counts.error).toBeGreaterThan(0);
  });
});
