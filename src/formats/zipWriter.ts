/**
 * Writes zip archives of stored records, as `torch.save` does: the data of each record is aligned, and its checksum
 * follows it (a data descriptor), so that the data are read only once. ZIP64 where a number needs it.
 *
 * Source: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 to 4.5; caffe2/serialize/inline_container.cc of PyTorch.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { littleEndian } from './littleEndian.js';

/** A record, whose size is known before its content. */
export interface StoredRecord {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Position of its header in the archive. */
  readonly at: number;
}

const SIGNATURES = {
  ...{ local: 0x04034b50, descriptor: 0x08074b50, central: 0x02014b50 },
  ...{ end64: 0x06064b50, locator: 0x07064b50, end: 0x06054b50 },
};
const LOCAL_LENGTH = 30;
/** The data of a record begin at a multiple of so many bytes: they can be mapped into memory. */
const ALIGNMENT = 64;
/** The sizes follow the data (bit 3), and names are UTF-8 (bit 11). */
const FLAGS = 0x808;
/** Version 4.5 of the format, which has ZIP64. */
const VERSION = 45;
const STORED = 0;
/** The first day that the format can represent, 1980-01-01: the same weights give the same file. */
const DATE = 0x21;
/** Values of fields that are in a ZIP64 field, whose id is 1. */
const [FULL16, FULL32, ZIP64] = [0xffff, 0xffffffff, 1];
/** Id of the field that PyTorch pads with. */
const PADDING = 0x4246;
/** Bytes of the id and the length of a field. */
const FIELD_HEADER = 4;
/** Bytes of the end record of ZIP64 after its length. */
const END64_LENGTH = 44;

const isLarge = (value: number): boolean => value >= FULL32;

/** Numbers one after the other, each with its width in bytes. */
const numbers = (...fields: readonly (readonly [value: number, width: number])[]): number[] =>
  fields.flatMap(([value, width]) => littleEndian(value, width));

/** The field with numbers that are too large for their usual fields; nothing if there are none. */
const zip64Field = (values: readonly number[]): number[] =>
  values.length === 0 ? [] : numbers([ZIP64, 2], [8 * values.length, 2], ...values.map((value) => [value, 8] as const));

/** The header before the data of a record, which pads it. */
export function localHeader({ name, size, at }: StoredRecord): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  const large = zip64Field(isLarge(size) ? [size, size] : []);
  const unpadded = at + LOCAL_LENGTH + nameBytes.length + large.length + FIELD_HEADER;
  const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
  // A full field says that the descriptor has 64 bits a size.
  const sizeField = isLarge(size) ? FULL32 : 0;
  return Uint8Array.from([
    ...numbers([SIGNATURES.local, 4], [VERSION, 2], [FLAGS, 2], [STORED, 2], [0, 2], [DATE, 2]),
    ...numbers([0, 4], [sizeField, 4], [sizeField, 4]),
    ...numbers([nameBytes.length, 2], [large.length + FIELD_HEADER + padding, 2]),
    ...nameBytes,
    ...large,
    ...numbers([PADDING, 2], [padding, 2]),
    ...Array<number>(padding).fill(0),
  ]);
}

/** The checksum and the sizes after the data of a record. */
export function dataDescriptor({ size }: StoredRecord, sum: number): Uint8Array {
  const width = isLarge(size) ? 8 : 4;
  return Uint8Array.from(numbers([SIGNATURES.descriptor, 4], [sum, 4], [size, width], [size, width]));
}

/** The entry of a record in the directory. */
export function directoryEntry({ name, size, at }: StoredRecord, sum: number): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  const large = zip64Field([...(isLarge(size) ? [size, size] : []), ...(isLarge(at) ? [at] : [])]);
  const sizeField = Math.min(size, FULL32);
  return Uint8Array.from([
    ...numbers([SIGNATURES.central, 4], [VERSION, 2], [VERSION, 2], [FLAGS, 2], [STORED, 2], [0, 2], [DATE, 2]),
    ...numbers([sum, 4], [sizeField, 4], [sizeField, 4]),
    // No comment, on the first disk, no attributes.
    ...numbers([nameBytes.length, 2], [large.length, 2], [0, 2], [0, 2], [0, 2], [0, 4]),
    ...numbers([Math.min(at, FULL32), 4]),
    ...nameBytes,
    ...large,
  ]);
}

/** The end of an archive: its records for ZIP64, which PyTorch always writes, and the usual one. */
export function endRecords(count: number, size: number, at: number): Uint8Array {
  const [count16, size32, at32] = [Math.min(count, FULL16), Math.min(size, FULL32), Math.min(at, FULL32)];
  return Uint8Array.from([
    ...numbers([SIGNATURES.end64, 4], [END64_LENGTH, 8], [VERSION, 2], [VERSION, 2], [0, 4], [0, 4]),
    ...numbers([count, 8], [count, 8], [size, 8], [at, 8]),
    ...numbers([SIGNATURES.locator, 4], [0, 4], [at + size, 8], [1, 4]),
    ...numbers([SIGNATURES.end, 4], [0, 2], [0, 2], [count16, 2], [count16, 2], [size32, 4], [at32, 4], [0, 2]),
  ]);
}

/** Makes the bytes of an archive, record by record. */
export class ZipWriter {
  private readonly directory: Uint8Array[] = [];

  /** @param at the position in the file where the archive begins */
  constructor(private at = 0) {}

  /** @param size the bytes of the content */
  async *record(
    name: string,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const record = { name, size, at: this.at };
    const header = localHeader(record);
    yield header;
    let sum = 0;
    for await (const bytes of content) {
      sum = crc32(bytes, sum);
      yield bytes;
    }
    const descriptor = dataDescriptor(record, sum);
    yield descriptor;
    this.at += header.length + size + descriptor.length;
    this.directory.push(directoryEntry(record, sum));
  }

  /** SHA-256 of the names, sizes and checksums of the records. */
  digest(): Buffer {
    const hash = createHash('sha256');
    for (const entry of this.directory) hash.update(entry);
    return hash.digest();
  }

  *end(): Generator<Uint8Array> {
    yield* this.directory;
    const size = this.directory.reduce((sum, { length }) => sum + length, 0);
    yield endRecords(this.directory.length, size, this.at);
  }
}
