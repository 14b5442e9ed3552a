import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import type { RandomAccess } from '../../src/formats/foreignFile.js';
import { littleEndian } from '../../src/formats/littleEndian.js';
import { openZip } from '../../src/formats/zip.js';
import { dataDescriptor, directoryEntry, endRecords, localHeader, ZipWriter } from '../../src/formats/zipWriter.js';
import { concat, numbers } from './torchZip.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const FULL = 0xffffffff;

/** The fields of a header, of the given widths; without the rest. */
function fieldsOf(bytes: Uint8Array, widths: readonly number[]): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 0;
  return widths.map((width) => {
    const value =
      width === 8 ? Number(view.getBigUint64(at, true)) : width === 4 ? view.getUint32(at, true) : view.getUint16(at, true); // prettier-ignore
    at += width;
    return value;
  });
}

const LOCAL = [4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2];
const CENTRAL = [4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4];

test.each([
  [0, 1, [0]],
  [255, 1, [255]],
  [256, 2, [0, 1]],
  [0x01020304, 4, [4, 3, 2, 1]],
  [2 ** 32, 8, [0, 0, 0, 0, 1, 0, 0, 0]],
  [2 ** 53 - 1, 8, [255, 255, 255, 255, 255, 255, 31, 0]],
])('%i in %i bytes', (value, width, expected) => {
  expect(littleEndian(value, width)).toEqual(expected);
});

describe('the header of a record', () => {
  test.each([
    // 30 bytes, the name, the header of a field, and the padding.
    [0, 'a', 29],
    [64, 'a', 29],
    [1, 'a', 28],
    [29, 'a', 0],
    [30, 'a', 63],
    [0, 'ab/é', 25],
  ])('at %i aligns the data of %s by %i bytes', (at, name, padding) => {
    const header = localHeader({ name, size: 5, at });
    const { length } = text(name);
    expect(fieldsOf(header, LOCAL)).toEqual([0x04034b50, 45, 0x808, 0, 0, 0x21, 0, 0, 0, length, 4 + padding]);
    expect(header.subarray(30)).toEqual(concat(text(name), text('FB'), numbers([padding, 2]), new Uint8Array(padding)));
    expect((at + header.length) % 64).toBe(0);
  });

  test.each([
    [FULL - 1, false],
    [FULL, true],
    [5 * 2 ** 32, true],
  ])('has sizes of ZIP64 for %i bytes: %s', (size, isLarge) => {
    const header = localHeader({ name: 'a', size, at: 0 });
    const field = isLarge ? numbers([1, 2], [16, 2], [size, 8], [size, 8]) : new Uint8Array(0);
    const listed = isLarge ? FULL : 0;
    const padding = isLarge ? 9 : 29;
    const extra = field.length + 4 + padding;
    expect(fieldsOf(header, LOCAL)).toEqual([0x04034b50, 45, 0x808, 0, 0, 0x21, 0, listed, listed, 1, extra]);
    expect(header.subarray(31, 31 + field.length)).toEqual(field);
    expect(header).toHaveLength(31 + extra);
    expect(header.length % 64).toBe(0);
    const descriptor = dataDescriptor({ name: 'a', size, at: 0 }, 7);
    const width = isLarge ? 8 : 4;
    expect(descriptor).toEqual(numbers([0x08074b50, 4], [7, 4], [size, width], [size, width]));
  });
});

describe('the entry of a record in the directory', () => {
  test.each([
    [3, 64, []],
    [FULL - 1, FULL - 1, []],
    [FULL, 64, [FULL, FULL]],
    [3, FULL, [FULL]],
    [2 ** 33, 2 ** 34, [2 ** 33, 2 ** 33, 2 ** 34]],
  ])('of %i bytes at %i', (size, at, large) => {
    const entry = directoryEntry({ name: 'a/é', size, at }, 9);
    const field = large.length === 0 ? [] : numbers([1, 2], [8 * large.length, 2], ...large.map((v) => [v, 8] as const)); // prettier-ignore
    const [sizeField, position] = [Math.min(size, FULL), Math.min(at, FULL)];
    expect(fieldsOf(entry, CENTRAL)).toEqual([
      ...[0x02014b50, 45, 45, 0x808, 0, 0, 0x21, 9, sizeField, sizeField],
      ...[4, field.length, 0, 0, 0, 0, position],
    ]);
    expect(entry.subarray(46)).toEqual(concat(text('a/é'), field));
  });
});

test.each([
  [3, 100, 200],
  [0xfffe, FULL - 1, FULL - 1],
  [0xffff, FULL, FULL],
  [70_000, 2 ** 33, 2 ** 34],
])('the end of %i records, of a directory of %i bytes at %i', (count, size, at) => {
  const [count16, size32, at32] = [Math.min(count, 0xffff), Math.min(size, FULL), Math.min(at, FULL)];
  expect(endRecords(count, size, at)).toEqual(
    concat(
      numbers([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [size, 8], [at, 8]),
      numbers([0x07064b50, 4], [0, 4], [at + size, 8], [1, 4]),
      numbers([0x06054b50, 4], [0, 4], [count16, 2], [count16, 2], [size32, 4], [at32, 4], [0, 2]),
    ),
  );
});

async function bytesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(...parts);
}

/** Bytes after so many zeros, which are not in memory. */
const shifted = (bytes: Uint8Array, start: number): RandomAccess => ({
  name: 'net.pth',
  size: start + bytes.length,
  read(offset, length) {
    const part = new Uint8Array(length);
    const skipped = Math.max(0, start - offset);
    part.set(bytes.subarray(offset + skipped - start, offset + length - start), skipped);
    return Promise.resolve(part);
  },
});

const first = Uint8Array.from({ length: 300 }, (_, i) => i % 7);

async function archive(at: number): Promise<Uint8Array> {
  const writer = new ZipWriter(at);
  return concat(
    await bytesOf(writer.record('a/first', 300, [first.subarray(0, 100), first.subarray(100)])),
    await bytesOf(writer.record('a/none', 0, [])),
    await bytesOf(writer.record('a/last', 2, [Uint8Array.of(1, 2)])),
    await bytesOf(writer.end()),
  );
}

// Beyond 4 GiB, positions are in fields of ZIP64.
test.each([0, 100, 5 * 2 ** 32 + 1])('an archive that begins at byte %i', async (at) => {
  const bytes = await archive(at);
  const { records } = await openZip(shifted(bytes, at));
  expect([...records].map(([name, { size }]) => [name, size])).toEqual([
    ['a/first', 300],
    ['a/none', 0],
    ['a/last', 2],
  ]);
  const contents = await Promise.all(
    [...records.values()].map(async (record) => {
      const access = await record.open();
      return access.read(0, access.size);
    }),
  );
  expect(contents).toEqual([first, new Uint8Array(0), Uint8Array.of(1, 2)]);
});

test('the checksum is that of all parts', async () => {
  const bytes = await bytesOf(new ZipWriter().record('a', 300, [first.subarray(0, 100), first.subarray(100)]));
  expect(bytes.subarray(64, 364)).toEqual(first);
  expect(bytes.subarray(364)).toEqual(numbers([0x08074b50, 4], [crc32(first), 4], [300, 4], [300, 4]));
});

test('the digest depends on names, sizes and contents', async () => {
  const digest = async (name: string, content: Uint8Array): Promise<string> => {
    const writer = new ZipWriter();
    await bytesOf(writer.record(name, content.length, [content]));
    return writer.digest().toString('hex');
  };
  const digests = await Promise.all([
    digest('a', first),
    digest('b', first),
    digest('a', first.subarray(1)),
    digest('a', first.toReversed()),
  ]);
  expect(new Set(digests).size).toBe(4);
  expect(await digest('a', first)).toBe(digests[0]);
  expect(digests[0]).toHaveLength(64);
});
