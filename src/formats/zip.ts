/**
 * Reads zip archives, as `torch.save` and other programs write them, by their central directory: the headers of the records
 * may have no sizes. ZIP64, stored and deflated records.
 *
 * Source: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 to 4.5.
 */
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { checkedAccess, checkSum } from './checkedAccess.js';
import { bytesAccess, partOf } from './fileAccess.js';
import type { RandomAccess } from './foreignFile.js';

/** A file in an archive. */
export interface ZipRecord {
  readonly name: string;
  /** Bytes, after inflation. */
  readonly size: number;
  /**
   * Finds its content. That of a deflated record is in memory until another deflated record is opened.
   *
   * @param limit bytes to which it may be inflated
   * @throws WeightsError for a longer one
   */
  open(limit?: number): Promise<RandomAccess>;
}

export interface ZipArchive {
  /** By their names, in the order of the directory. */
  readonly records: ReadonlyMap<string, ZipRecord>;
}

interface Entry {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  /** Bytes in the archive. */
  readonly compressed: number;
  readonly size: number;
  /** Position of its header. */
  readonly header: number;
}

const END = { signature: 0x06054b50, length: 22, longestComment: 0xffff };
const LOCATOR = { signature: 0x07064b50, length: 20 };
const END64 = { signature: 0x06064b50, length: 56 };
const CENTRAL = { signature: 0x02014b50, length: 46 };
const LOCAL = { signature: 0x04034b50, length: 30 };
const STORED = 0;
const DEFLATED = 8;
/** Bit of the flags for encrypted records. */
const ENCRYPTED = 1;
/** Values of fields that are in the ZIP64 extra field, whose id is 1. */
const [FULL16, FULL32, ZIP64] = [0xffff, 0xffffffff, 1];

/** Bytes of a directory: 300,000 records with long names. A checkpoint has a few thousand. */
const MAX_DIRECTORY = 2 ** 26;
/** Deflate repeats at most 258 bytes by two bits. */
const MAX_GROWTH = 1032;
/** Bytes of an inflated record, which is in memory as a whole: the largest tensor of the networks has a third of them. */
const MAX_INFLATED = 2 ** 29;

const HINT = 'The archive is damaged or was cut: download, copy or save it again.';

const refuse = (op: string, expected: string, got: string, hint = HINT): never => {
  throw new WeightsError({ op, expected, got, hint });
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  /** Position of what follows it. */
  readonly end: number;
}

/** The end record: the last one whose comment ends with the file. */
async function findEnd(file: RandomAccess): Promise<{ readonly at: number; readonly view: DataView }> {
  const length = Math.min(file.size, END.length + END.longestComment);
  const tail = viewOf(await file.read(file.size - length, length));
  for (let at = length - END.length; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END.signature) continue;
    if (at + END.length + tail.getUint16(at + 20, true) !== length) continue;
    const view = new DataView(tail.buffer, tail.byteOffset + at, END.length);
    return { at: file.size - length + at, view };
  }
  return refuse(file.name, 'the end of a zip archive', 'none: it is cut short');
}

/** A number of 64 bits; Infinity for one that float64 cannot represent, which no file is long enough for. */
function uint64(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** The end record of ZIP64, which has the numbers that do not fit in the usual one; null if there is none. */
async function readEnd64(file: RandomAccess, end: number): Promise<Directory | null> {
  if (end < LOCATOR.length) return null;
  const locator = viewOf(await file.read(end - LOCATOR.length, LOCATOR.length));
  if (locator.getUint32(0, true) !== LOCATOR.signature) return null;
  const at = uint64(locator, 8);
  if (at + END64.length > end) refuse(file.name, 'the end record of ZIP64 within the archive', `it at byte ${at}`);
  const view = viewOf(await file.read(at, END64.length));
  if (view.getUint32(0, true) !== END64.signature) {
    refuse(file.name, `the end record of ZIP64 at byte ${at}`, 'other bytes');
  }
  if (view.getUint32(16, true) !== view.getUint32(20, true)) refuse(file.name, 'an archive in one file', 'a part');
  return { count: uint64(view, 32), size: uint64(view, 40), offset: uint64(view, 48), end: at };
}

async function findDirectory(file: RandomAccess): Promise<Directory> {
  const { at, view } = await findEnd(file);
  const directory = (await readEnd64(file, at)) ?? {
    count: view.getUint16(10, true),
    size: view.getUint32(12, true),
    offset: view.getUint32(16, true),
    end: at,
  };
  const { offset, size, end } = directory;
  if (offset + size > end) {
    const got = `one of ${size} bytes at byte ${offset} of ${end}`;
    refuse(file.name, 'a directory within the archive', got);
  }
  if (size > MAX_DIRECTORY) refuse(file.name, `a directory of at most ${MAX_DIRECTORY} bytes`, `${size} bytes`);
  return directory;
}

/** The fields of an entry that are in its ZIP64 extra field: each only if its usual field is full, in this order. */
function readExtra(extra: Uint8Array, fields: readonly number[], op: string): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== ZIP64) continue;
    const end = Math.min(extra.length, at + 4 + view.getUint16(at + 2, true));
    let next = at + 4;
    return fields.map((field) => {
      if (field !== FULL32) return field;
      if (next + 8 > end) return refuse(op, 'a ZIP64 field with the sizes of a record', 'a shorter one');
      next += 8;
      return uint64(view, next - 8);
    });
  }
  return [...fields];
}

/** Reads an entry of the directory. @returns it, and its bytes */
function readEntry(bytes: Uint8Array, at: number, op: string): { readonly entry: Entry; readonly length: number } {
  const cut = (): never => refuse(op, 'a record of the directory', 'the end of it: it is cut short');
  if (at + CENTRAL.length > bytes.length) cut();
  const view = viewOf(bytes.subarray(at));
  if (view.getUint32(0, true) !== CENTRAL.signature) refuse(op, 'a record of the directory', 'other bytes');
  const nameEnd = CENTRAL.length + view.getUint16(28, true);
  const extraEnd = nameEnd + view.getUint16(30, true);
  const length = extraEnd + view.getUint16(32, true);
  if (at + length > bytes.length) cut();
  const nameBytes = bytes.subarray(at + CENTRAL.length, at + nameEnd);
  const name = new TextDecoder().decode(nameBytes);
  const disk = view.getUint16(34, true);
  if (disk !== 0 && disk !== FULL16) refuse(op, 'an archive in one file', `${show(name)} in part ${disk}`);
  const [size, compressed, header] = readExtra(
    bytes.subarray(at + nameEnd, at + extraEnd),
    [view.getUint32(24, true), view.getUint32(20, true), view.getUint32(42, true)],
    `${op}: ${name}`,
  );
  const [flags, method, crc32] = [view.getUint16(8, true), view.getUint16(10, true), view.getUint32(16, true)];
  return { entry: { name, nameBytes, flags, method, crc32, compressed, size, header }, length };
}

/** @throws WeightsError for a record that cannot be read, or whose sizes cannot be right */
function checkEntry({ name, flags, method, compressed, size }: Entry, file: string): void {
  const op = `${file}: ${name}`;
  if ((flags & ENCRYPTED) !== 0) {
    refuse(op, 'a record that is not encrypted', 'an encrypted one', 'Decrypt the archive first.');
  }
  if (method !== STORED && method !== DEFLATED) {
    const hint = 'Extract the archive, and compress it with zip -0 (stored) or zip (deflated).';
    refuse(op, 'a stored or deflated record', `compression method ${method}`, hint);
  }
  if (method === STORED && size !== compressed) refuse(op, `${compressed} bytes, as many as are stored`, `${size}`);
  if (method === DEFLATED && size > compressed * MAX_GROWTH) {
    refuse(op, `at most ${compressed * MAX_GROWTH} bytes of ${compressed} deflated ones`, `${size}`);
  }
}

/** Records that share bytes are not written by programs, but make small archives grow to any size. */
function checkOverlap(entries: readonly Entry[], end: number, op: string): void {
  const sorted = [...entries].sort((a, b) => a.header - b.header);
  sorted.forEach(({ name, header, nameBytes, compressed }, i) => {
    const next = sorted[i + 1]?.header ?? end;
    if (header + LOCAL.length + nameBytes.length + compressed <= next) return;
    const got = `${compressed} bytes at byte ${header} before byte ${next}`;
    refuse(`${op}: ${name}`, 'a record that ends before the next one', got);
  });
}

async function readEntries(file: RandomAccess): Promise<Map<string, Entry>> {
  const op = file.name;
  const { offset, size, count } = await findDirectory(file);
  const bytes = await file.read(offset, size);
  const entries = new Map<string, Entry>();
  for (let at = 0; at < size;) {
    const { entry, length } = readEntry(bytes, at, op);
    checkEntry(entry, op);
    if (entries.has(entry.name)) refuse(op, 'records of different names', `two of ${show(entry.name)}`);
    entries.set(entry.name, entry);
    at += length;
  }
  if (entries.size !== count) refuse(op, `${count} records, as the end says`, `${entries.size} in the directory`);
  checkOverlap([...entries.values()], offset, op);
  return entries;
}

/** Where the bytes of a record begin: its header may have other extra fields than the directory. */
async function findData(file: RandomAccess, entry: Entry): Promise<number> {
  const { name, nameBytes, header, compressed } = entry;
  const op = `${file.name}: ${name}`;
  const bytes = await file.read(header, LOCAL.length + nameBytes.length);
  const view = viewOf(bytes);
  const isSame =
    view.getUint32(0, true) === LOCAL.signature &&
    view.getUint16(26, true) === nameBytes.length &&
    bytes.subarray(LOCAL.length).every((byte, i) => byte === nameBytes[i]);
  if (!isSame) refuse(op, `its header at byte ${header}`, 'other bytes');
  const start = header + bytes.length + view.getUint16(28, true);
  if (start + compressed > file.size) refuse(op, `${compressed} bytes from byte ${start}`, `${file.size} in the file`);
  return start;
}

function checkInflation(size: number, limit: number, op: string): void {
  if (size <= limit) return;
  const hint = 'Store the record without compression: extract the archive, and compress it with zip -0.';
  refuse(op, `at most ${limit} bytes after inflation`, `${size}`, hint);
}

async function inflate(bytes: Uint8Array, size: number, op: string): Promise<Uint8Array> {
  // One byte more than there should be is enough to see that there are more.
  const options = { maxOutputLength: size + 1 };
  const inflated = await promisify(inflateRaw)(bytes, options).catch((cause: unknown) => {
    const isLonger = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const got = isLonger ? 'more' : 'damaged ones';
    throw new WeightsError({ op, expected: `${size} bytes after inflation`, got, hint: HINT }, { cause });
  });
  if (inflated.length !== size) refuse(op, `${size} bytes after inflation`, `${inflated.length}`);
  return new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.length);
}

/**
 * Reads the directory of an archive.
 *
 * @throws WeightsError for a damaged archive, an encrypted or doubled record, or one in several files
 */
export async function openZip(file: RandomAccess): Promise<ZipArchive> {
  const entries = await readEntries(file);
  /** The stored records that have been opened, whose checksums are compared once. */
  const stored = new Map<string, RandomAccess>();
  /** The last deflated record: views of one storage are read one after the other. */
  let last: { readonly name: string; readonly access: RandomAccess } | null = null;
  const open = async (entry: Entry, limit = MAX_INFLATED): Promise<RandomAccess> => {
    const { name, method, compressed, size } = entry;
    if (last?.name === name) return last.access;
    const known = stored.get(name);
    if (known !== undefined) return known;
    const op = `${file.name}: ${name}`;
    const start = await findData(file, entry);
    if (method === STORED) {
      const access = checkedAccess(partOf(file, op, start, size), entry.crc32);
      stored.set(name, access);
      return access;
    }
    checkInflation(size, Math.min(limit, MAX_INFLATED), op);
    last = null;
    const bytes = await inflate(await file.read(start, compressed), size, op);
    if (entry.crc32 !== 0) checkSum(crc32(bytes), entry.crc32, op);
    const access = bytesAccess(op, bytes);
    last = { name, access };
    return access;
  };
  const records = new Map<string, ZipRecord>();
  for (const [name, entry] of entries) {
    records.set(name, { name, size: entry.size, open: (limit) => open(entry, limit) });
  }
  return { records };
}
