import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { RandomAccess } from '../../src/formats/foreignFile.js';
import { openZip } from '../../src/formats/zip.js';
import { refusal } from '../io/refusal.js';
import { zip, type ArchiveOptions, type RecordOptions } from './torchZip.js';

const data = Uint8Array.from({ length: 300 }, (_, i) => i % 7);
const record: RecordOptions = { name: 'a/data.pkl', data };
const other: RecordOptions = { name: 'a/data/0', data: data.subarray(0, 100) };

const open = (bytes: Uint8Array): ReturnType<typeof openZip> => openZip(bytesAccess('net.pth', bytes));

async function readRecord(bytes: Uint8Array, name = record.name): Promise<Uint8Array> {
  const access = await (await open(bytes)).records.get(name)?.open();
  if (access === undefined) throw new Error(`no record ${name}`);
  return access.read(0, access.size);
}

describe('reads', () => {
  test.each<[string, RecordOptions, ArchiveOptions]>([
    ['stored records', record, {}],
    ['deflated records', { ...record, isDeflated: true }, {}],
    ['archives without ZIP64', record, { has64: false }],
    ['sizes in ZIP64 fields', { ...record, isLarge: true }, {}],
    ['ZIP64 fields after others', { ...record, isLarge: true, extra: Uint8Array.of(9, 9, 2, 0, 1, 2) }, {}],
    ['comments', record, { comment: 'PK\u0005\u0006 is how an end begins' }],
  ])('%s', async (_, first, options) => {
    const bytes = zip([first, other], options);
    const { records } = await open(bytes);
    expect([...records].map(([name, { size }]) => [name, size])).toEqual([
      [record.name, 300],
      [other.name, 100],
    ]);
    expect(await readRecord(bytes)).toEqual(data);
    expect(await readRecord(bytes, other.name)).toEqual(other.data);
  });

  test('a deflated record of at most as many bytes as the caller takes', async () => {
    const { records } = await open(zip([{ ...record, isDeflated: true }, other]));
    expect((await records.get(record.name)?.open(300))?.size).toBe(300);
    await expect(
      (await open(zip([{ ...record, isDeflated: true }]))).records.get(record.name)?.open(299),
    ).rejects.toThrow(refusal(WeightsError, 'net.pth: a/data.pkl', 'at most 299 bytes after inflation', '300'));
    // A stored one takes no more memory than the reads of it.
    expect((await records.get(other.name)?.open(99))?.size).toBe(100);
  });

  test('an empty record, stored and deflated', async () => {
    const empty = new Uint8Array(0);
    expect(await readRecord(zip([{ ...record, data: empty }]))).toEqual(empty);
    expect(await readRecord(zip([{ ...record, data: empty, isDeflated: true }]))).toEqual(empty);
  });

  test('a part of a record, and nothing beyond it', async () => {
    const access = await (await open(zip([record, other]))).records.get(record.name)?.open();
    expect(await access?.read(10, 5)).toEqual(data.subarray(10, 15));
    await expect(access?.read(299, 2)).rejects.toThrow(
      refusal(WeightsError, 'net.pth: a/data.pkl', '301 bytes', '300'),
    );
  });

  test('a deflated record is inflated once while it is the last one', async () => {
    let reads = 0;
    const bytes = bytesAccess(
      'net.pth',
      zip([
        { ...record, isDeflated: true },
        { ...other, isDeflated: true },
      ]),
    );
    const counted: RandomAccess = {
      ...bytes,
      read(offset, length) {
        reads++;
        return bytes.read(offset, length);
      },
    };
    const { records } = await openZip(counted);
    const before = reads;
    await records.get(record.name)?.open();
    expect(reads - before).toBe(2);
    await records.get(record.name)?.open();
    expect(reads - before).toBe(2);
    await records.get(other.name)?.open();
    await records.get(record.name)?.open();
    expect(reads - before).toBe(6);
  });
});

describe('checksums', () => {
  const damaged = (options: Partial<RecordOptions> = {}): Uint8Array => {
    const bytes = zip([{ ...record, ...options }]);
    const at = bytes.indexOf(6, 60);
    bytes[at] = 5;
    return bytes;
  };

  test('of whole records are compared, also when only a part is read', async () => {
    await expect(readRecord(damaged())).rejects.toThrow(refusal(WeightsError, record.name, 'the checksum', ''));
    const access = await (await open(damaged())).records.get(record.name)?.open();
    for (const [offset, length] of [
      [0, 299],
      [299, 1],
      [0, 0],
      [0, 300],
      [0, 299],
    ]) {
      await expect(access?.read(offset, length)).rejects.toThrow(
        refusal(WeightsError, record.name, 'the checksum', ''),
      );
    }
  });

  test('of 0 are not: PyTorch may write none', async () => {
    expect(await readRecord(damaged({ crc32: 0 }))).toHaveLength(300);
    expect(await readRecord(zip([{ ...record, isDeflated: true, crc32: 0 }]))).toEqual(data);
  });

  test('of deflated records are compared', async () => {
    await expect(readRecord(zip([{ ...record, isDeflated: true, crc32: 255 }]))).rejects.toThrow(
      refusal(WeightsError, record.name, 'the checksum 000000ff', ''),
    );
  });
});

describe('refuses', () => {
  test.each<[string, Partial<RecordOptions>, ArchiveOptions, string, string]>([
    ['an encrypted record', { flags: 0x809 }, {}, 'not encrypted', 'an encrypted one'],
    ['another compression', { method: 93 }, {}, 'a stored or deflated record', 'compression method 93'],
    ['a record in another file', { disk: 1 }, {}, 'an archive in one file', '"a/data.pkl" in part 1'],
    ['another size than stored bytes', { size: 301 }, {}, '300 bytes, as many as are stored', '301'],
    ['a size that no inflation has', { isDeflated: true, size: 2 ** 31 }, {}, 'deflated ones', '2147483648'],
    ['a size of 2^53 and more', { isLarge: true, size: 2 ** 62 }, {}, '300 bytes', 'Infinity'],
    ['a record beyond the directory', { compressed: 5000, size: 5000 }, {}, 'ends before the next one', '5000 bytes'],
    ['a header beyond the directory', { header: 4000 }, {}, 'ends before the next one', 'at byte 4000'],
    ['a header beyond the file', { header: 2 ** 60, isLarge: true }, {}, 'ends before the next one', 'at byte'],
    ['a count that lies', {}, { count: 3 }, '3 records, as the end says', '1 in the directory'],
    ['no count', {}, { count: 0 }, '0 records', '1 in the directory'],
    ['a directory beyond the end', {}, { directoryOffset: 5000 }, 'a directory within the archive', 'at byte 5000'],
    ['a directory of any size', {}, { directorySize: 2 ** 62 }, 'a directory within the archive', 'Infinity'],
    ['a directory that is cut', {}, { directorySize: 50 }, 'a record of the directory', 'the end of it'],
    ['a directory at other bytes', {}, { directoryOffset: 3 }, 'a record of the directory', 'other bytes'],
    ['an end of ZIP64 elsewhere', {}, { at64: 7 }, 'the end record of ZIP64 at byte 7', 'other bytes'],
    ['an end of ZIP64 beyond', {}, { at64: 2 ** 60 }, 'the end record of ZIP64 within the archive', 'Infinity'],
    ['a part of an archive', {}, { disks: 1 }, 'an archive in one file', 'a part'],
  ])('%s', async (_, options, archive, expected, got) => {
    await expect(open(zip([{ ...record, ...options }], archive))).rejects.toThrow(
      refusal(WeightsError, 'net.pth', expected, got),
    );
  });

  test('two records of one name', async () => {
    await expect(open(zip([record, record]))).rejects.toThrow(
      refusal(WeightsError, 'net.pth', 'records of different names', 'two of "a/data.pkl"'),
    );
  });

  test('records that share bytes', async () => {
    await expect(open(zip([record, { ...other, header: 0 }]))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: a/data.pkl', 'ends before the next one', 'at byte 0 before byte 0'),
    );
  });

  test('a directory of more than 64 MiB', async () => {
    const end = zip([], { directorySize: 2 ** 26 + 1, directoryOffset: 0, has64: false });
    const size = 2 ** 27;
    /** Zeros, and the end record. */
    const file: RandomAccess = {
      name: 'net.pth',
      size,
      read: (offset, length) =>
        Promise.resolve(Uint8Array.from({ length }, (_, i) => end[offset + i - (size - end.length)] ?? 0)),
    };
    await expect(openZip(file)).rejects.toThrow(
      refusal(WeightsError, 'net.pth', 'a directory of at most 67108864 bytes', '67108865 bytes'),
    );
  });

  test.each<[string, Partial<RecordOptions>, string, string]>([
    ['another name in the header', { localName: 'a/data.pkx' }, 'its header at byte 0', 'other bytes'],
    ['a longer name in the header', { localName: 'a/data.pkl2' }, 'its header at byte 0', 'other bytes'],
    ['no header', { localSignature: 1 }, 'its header at byte 0', 'other bytes'],
    ['fewer bytes after inflation', { isDeflated: true, size: 299 }, '299 bytes after inflation', '300'],
    ['far fewer bytes after inflation', { isDeflated: true, size: 20 }, '20 bytes after inflation', 'more'],
    ['more bytes after inflation', { isDeflated: true, size: 301 }, '301 bytes after inflation', '300'],
    ['deflated bytes that are not', { method: 8 }, '300 bytes after inflation', 'damaged ones'],
  ])('%s, when it is read', async (_, options, expected, got) => {
    await expect(readRecord(zip([{ ...record, ...options }]))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: a/data.pkl', expected, got),
    );
  });

  test('every prefix of an archive', async () => {
    const bytes = zip([record]);
    for (let length = 0; length < bytes.length; length++) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(WeightsError);
    }
  });

  test('only with a WeightsError, whatever byte is damaged', async () => {
    const whole = zip([{ ...record, isDeflated: true }, other]);
    for (let at = 0; at < whole.length; at++) {
      const bytes = Uint8Array.from(whole);
      bytes[at] ^= 0x81;
      await readRecord(bytes).catch((error: unknown) => {
        if (!(error instanceof Error && error.message.startsWith('no record')))
          expect(error).toBeInstanceOf(WeightsError);
      });
    }
  });
});
