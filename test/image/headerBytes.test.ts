/** `imageInfo` of headers that are built byte by byte: limits of lengths, markers and flags, and what errors say. */
import { describe, expect, test } from '@jest/globals';
import { show } from '../../src/core/check.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { imageFormat } from '../../src/image/imageFormat.js';
import { imageInfo } from '../../src/image/imageInfo.js';
import { refusal } from '../io/refusal.js';
import { FILES, HEIGHT, orientedImage, WIDTH, withChunk } from './imageFiles.js';

const ORIENTATION = 0x0112;

interface Entry {
  readonly tag: number;
  readonly value: number;
}

/** Big-endian EXIF with a directory at 8; `count` may differ from the number of entries. */
function exif(
  entries: readonly Entry[],
  { count = entries.length, directory = 8, magic = 42, order = 'MM' } = {},
): Buffer {
  const bytes = Buffer.alloc(10 + 12 * entries.length);
  bytes.write(order, 'latin1');
  bytes.writeUInt16BE(magic, 2);
  bytes.writeUInt32BE(directory, 4);
  bytes.writeUInt16BE(count, 8);
  entries.forEach(({ tag, value }, i) => {
    const at = 10 + 12 * i;
    bytes.writeUInt16BE(tag, at);
    bytes.writeUInt16BE(3, at + 2);
    bytes.writeUInt32BE(1, at + 4);
    bytes.writeUInt16BE(value, at + 8);
  });
  return bytes;
}

/** Big-endian EXIF with an orientation of any type; `more` follows the directory, at byte 22. */
function orientationExif(type: number, count: number, value: readonly number[], more: readonly number[] = []): Buffer {
  const head = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1];
  return Buffer.from([...head, 0x01, 0x12, 0, type, 0, 0, 0, count, ...value, ...more]);
}
const OFFSET = [0, 0, 0, 22];

const sideways: Entry = { tag: ORIENTATION, value: 6 };
const other: Entry = { tag: 0x010f, value: 3 };

describe('EXIF', () => {
  test.each([
    ['an entry that ends with the data', exif([sideways]), 6],
    ['a second entry', exif([other, sideways]), 6],
    ['an entry after the last of the directory', exif([other, sideways], { count: 1 }), 1],
    ['an entry after an empty directory', exif([sideways], { count: 0 }), 1],
    ['more entries than there is data', exif([other, sideways], { count: 9 }), 6],
    ['another number than 42', exif([sideways], { magic: 43 }), 1],
    ['another byte order', exif([sideways], { order: 'MX' }), 1],
    ['a directory that begins in the last byte', exif([sideways], { directory: 21 }), 1],
    ['a directory beyond the data', exif([sideways], { directory: 1000 }), 1],
    ['seven bytes', exif([sideways]).subarray(0, 7), 1],
    ['LONG', orientationExif(4, 1, [0, 0, 0, 6]), 6],
    ['LONG of more than 16 bits', orientationExif(4, 1, [0, 1, 0, 6]), 1],
    ['SBYTE', orientationExif(6, 1, [6, 0, 0, 0]), 6],
    ['SBYTE below 0', orientationExif(6, 1, [0xff, 0, 0, 0]), 1],
    ['SSHORT', orientationExif(8, 1, [0, 6, 0, 0]), 6],
    ['SSHORT below 0', orientationExif(8, 1, [0xff, 0xfa, 0, 0]), 1],
    ['SLONG', orientationExif(9, 1, [0, 0, 0, 6]), 6],
    ['SLONG below 0', orientationExif(9, 1, [0xff, 0xff, 0xff, 0xfa]), 1],
    ['FLOAT', orientationExif(11, 1, [0x40, 0xc0, 0, 0]), 6],
    ['FLOAT of a fraction', orientationExif(11, 1, [0x40, 0xd0, 0, 0]), 1],
    ['DOUBLE', orientationExif(12, 1, OFFSET, [0x40, 0x18, 0, 0, 0, 0, 0, 0]), 6],
    ['RATIONAL', orientationExif(5, 1, OFFSET, [0, 0, 0, 12, 0, 0, 0, 2]), 6],
    ['RATIONAL of 6 / 0', orientationExif(5, 1, OFFSET, [0, 0, 0, 6, 0, 0, 0, 0]), 1],
    ['RATIONAL that is cut', orientationExif(5, 1, OFFSET, [0, 0, 0, 12, 0, 0, 0]), 1],
    ['SRATIONAL', orientationExif(10, 1, OFFSET, [0xff, 0xff, 0xff, 0xfa, 0xff, 0xff, 0xff, 0xff]), 6],
    ['SRATIONAL of 12 / 2', orientationExif(10, 1, OFFSET, [0, 0, 0, 12, 0, 0, 0, 2]), 6],
    ['two of SHORT: the first', orientationExif(3, 2, [0, 6, 0, 3]), 6],
    ['three of SHORT', orientationExif(3, 3, OFFSET, [0, 6, 0, 3, 0, 1]), 6],
    ['three of SHORT that are cut', orientationExif(3, 3, OFFSET, [0, 6, 0, 3, 0]), 1],
    ['none of SHORT', orientationExif(3, 0, [0, 6, 0, 0]), 1],
    ['BYTE', orientationExif(1, 1, [6, 0, 0, 0]), 1],
  ])('%s', async (_, bytes, orientation) => {
    const file = withChunk(await FILES['png of 8 bits'](), 'eXIf', bytes);
    expect(imageInfo(file).orientation).toBe(orientation);
  });
});

describe('a JPEG', () => {
  const jpeg = (...segments: readonly (readonly number[])[]): Buffer => Buffer.from([0xff, 0xd8, ...segments.flat()]);
  const segment = (marker: number, data: readonly number[]): number[] => [
    ...[0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 0xff],
    ...data,
  ];
  /** 8 bits, a height of 5, a width of 9, one component without its table. */
  const FRAME = [8, 0, 5, 0, 9, 1];
  const frame = segment(0xc0, FRAME);
  const SCAN = [0xff, 0xda, 0, 2];
  const app1 = (bytes: Uint8Array): number[] => segment(0xe1, [...Buffer.from('Exif\0\0', 'latin1'), ...bytes]);

  test.each([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc7, 0xc9, 0xcb, 0xcd, 0xcf])('has a frame of marker %i', (marker) => {
    const info = imageInfo(jpeg(segment(marker, FRAME), SCAN));
    expect(info).toMatchObject({ width: 9, height: 5, bitDepth: 8, color: 'gray', scans: 1, orientation: 1 });
  });

  test.each([0xbf, 0xc4, 0xc8, 0xcc, 0xd0 - 0x20, 0xe2])('has no frame of marker %i', (marker) => {
    const error = refusal(DataError, 'a.jpg', 'a JPEG with a frame before its scan', 'one without');
    expect(() => imageInfo(jpeg(segment(marker, FRAME), SCAN), 'a.jpg')).toThrow(error);
    expect(imageInfo(jpeg(segment(marker, [8, 0, 1, 0, 1, 1]), frame, SCAN))).toMatchObject({ width: 9, height: 5 });
  });

  test.each([0x01, 0xd0, 0xd7])('may have marker %i, which has no length, between its segments', (marker) => {
    expect(imageInfo(jpeg([0xff, marker], frame, [0xff, marker], SCAN))).toMatchObject({ width: 9, height: 5 });
  });

  test.each([
    ['begins again before its scan', [0xff, 0xd8]],
    ['ends before its scan', [0xff, 0xd9]],
  ])('that %s is refused', (_, marker) => {
    const error = refusal(DataError, 'a.jpg', 'a JPEG with a scan', 'one without');
    expect(() => imageInfo(jpeg(frame, marker, SCAN), 'a.jpg')).toThrow(error);
  });

  test('needs six bytes in its frame', () => {
    const short = jpeg(segment(0xc0, FRAME.slice(0, 5)), SCAN);
    expect(() => imageInfo(short, 'a.jpg')).toThrow(refusal(DataError, 'a.jpg', 'a frame of 6 bytes or more', '5'));
  });

  test('refuses a second frame and two components, with their numbers', () => {
    expect(() => imageInfo(jpeg(frame, frame, SCAN), 'a.jpg')).toThrow(
      refusal(DataError, 'a.jpg', 'a JPEG with one frame', 'one with two'),
    );
    expect(() => imageInfo(jpeg(segment(0xc0, [8, 0, 5, 0, 9, 2]), SCAN), 'a.jpg')).toThrow(
      refusal(DataError, 'a.jpg', '1, 3 or 4 components', '2'),
    );
  });

  test('takes the orientation from the first EXIF segment alone', () => {
    const [first, second] = [exif([sideways]), exif([{ tag: ORIENTATION, value: 3 }])];
    expect(imageInfo(jpeg(app1(first), app1(second), frame, SCAN)).orientation).toBe(6);
    const xmp = segment(0xe1, [...Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1')]);
    expect(imageInfo(jpeg(xmp, app1(first), frame, SCAN)).orientation).toBe(6);
    const app2 = [...app1(second)];
    app2[1] = 0xe2;
    expect(imageInfo(jpeg(app2, frame, SCAN)).orientation).toBe(1);
    expect(imageInfo(jpeg(app2, app1(first), frame, SCAN)).orientation).toBe(6);
  });

  test('has no scans after its end', () => {
    expect(imageInfo(jpeg(frame, SCAN, [0xff, 0xd9, 0, 2], SCAN)).scans).toBe(1);
    expect(imageInfo(jpeg(frame, SCAN, SCAN, [0xff, 0xd9])).scans).toBe(2);
  });
});

test('a PNG whose header has another length is refused', async () => {
  const file = Buffer.from(await FILES['png of 8 bits']());
  file.writeUInt32BE(12, 8);
  const error = refusal(DataError, 'a.png', 'a PNG that begins with its header', 'another chunk');
  expect(() => imageInfo(file, 'a.png')).toThrow(error);
});

describe('a WebP', () => {
  const FLAGS = 20;
  const EXIF = 0x08;

  test('whose flags promise EXIF that is not there is upright', async () => {
    const file = Buffer.from(await FILES['lossy webp with alpha']());
    file[FLAGS] |= EXIF;
    expect(imageInfo(file)).toMatchObject({ width: WIDTH, height: HEIGHT, orientation: 1 });
  });

  test('whose flags do not promise its EXIF is upright', async () => {
    const file = Buffer.from(await orientedImage('webp', 6));
    expect(imageInfo(file).orientation).toBe(6);
    file[FLAGS] &= ~EXIF;
    expect(imageInfo(file).orientation).toBe(1);
  });

  test('is one only after RIFF', async () => {
    const file = Buffer.from(await FILES['lossy webp']());
    expect(imageFormat(file)).toBe('webp');
    expect(imageFormat(Buffer.concat([Buffer.from('RIFX'), file.subarray(4)]))).toBeNull();
  });
});

test('errors tell an empty file, other bytes, a size of 0 and what is no array of bytes', async () => {
  const expected = 'a PNG, JPEG or WebP image';
  expect(() => imageInfo(new Uint8Array(0), 'a')).toThrow(refusal(DataError, 'a', expected, 'an empty file'));
  expect(() => imageInfo(Buffer.from('GIF89a'))).toThrow(refusal(DataError, 'imageInfo', expected, 'a GIF image'));
  expect(() => imageInfo(Buffer.from('GIF89a'))).toThrow(
    expect.objectContaining({ hint: 'Convert it first, for example: magick IN out.png.' }),
  );
  const file = Buffer.from(await FILES['png of 8 bits']());
  file.writeUInt32BE(0, 16);
  expect(() => imageInfo(file, 'a')).toThrow(refusal(DataError, 'a', 'sides >= 1', `0 x ${HEIGHT}`));
  const untyped: unknown[] = ['a.png', null, new DataView(new ArrayBuffer(9)), new Uint16Array(9), [1], 5];
  for (const value of untyped) {
    const error = refusal(ParamError, 'a', 'bytes in a Uint8Array', show(value));
    expect(() => imageInfo(value as Uint8Array, 'a')).toThrow(error);
    const other = refusal(ParamError, 'imageFormat', 'bytes in a Uint8Array', show(value));
    expect(() => imageFormat(value as Uint8Array)).toThrow(other);
  }
  expect(imageFormat(new Int8Array(9) as unknown as Uint8Array)).toBeNull();
});

test('bytes whose memory was transferred are refused', () => {
  const bytes = new Uint8Array(9);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  for (const [op, call] of [
    ['imageFormat', () => imageFormat(bytes)],
    ['a', () => imageInfo(bytes, 'a')],
  ] as const) {
    expect(call).toThrow(refusal(ParamError, op, 'bytes in a Uint8Array', 'a detached buffer'));
    expect(call).toThrow(expect.objectContaining({ hint: expect.stringContaining('pass a copy') }));
  }
});
