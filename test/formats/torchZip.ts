/** Writes small checkpoints of PyTorch, right and damaged ones, byte by byte: for tests without Python. */
import { crc32, deflateRawSync } from 'node:zlib';

const encoder = new TextEncoder();

/** Little-endian numbers: each a value and its width in bytes. */
export function numbers(...fields: readonly (readonly [value: number, width: number])[]): Uint8Array {
  const bytes = fields.flatMap(([value, width]) =>
    Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n)),
  );
  return Uint8Array.from(bytes);
}

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A record of an archive; what is not stated is right. */
export interface RecordOptions {
  readonly name: string;
  readonly data: Uint8Array;
  readonly isDeflated?: boolean;
  readonly method?: number;
  readonly flags?: number;
  readonly disk?: number;
  /** Of the directory. */
  readonly size?: number;
  readonly compressed?: number;
  readonly header?: number;
  readonly crc32?: number;
  /** Of the local header. */
  readonly localName?: string;
  readonly localSignature?: number;
  /** Whether the directory has its sizes in a ZIP64 field. */
  readonly isLarge?: boolean;
  readonly extra?: Uint8Array;
}

export interface ArchiveOptions {
  readonly count?: number;
  readonly directorySize?: number;
  readonly directoryOffset?: number;
  readonly comment?: string;
  /** Whether it has the end record of ZIP64, as those of PyTorch. Default: true. */
  readonly has64?: boolean;
  /** Position of the end record of ZIP64. */
  readonly at64?: number;
  readonly signature64?: number;
  readonly disks?: number;
}

/** Bytes to which the data of a record is aligned. */
const ALIGNMENT = 64;

/** A zip archive with sizes of zero in the local headers, as PyTorch writes it. */
export function zip(records: readonly RecordOptions[], options: ArchiveOptions = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (part: Uint8Array): void => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    const name = encoder.encode(record.name);
    const localName = encoder.encode(record.localName ?? record.name);
    const data = record.isDeflated === true ? new Uint8Array(deflateRawSync(record.data)) : record.data;
    const method = record.method ?? (record.isDeflated === true ? 8 : 0);
    const header = at;
    const padding = (ALIGNMENT - ((at + 30 + localName.length + 4) % ALIGNMENT)) % ALIGNMENT;
    const flags = record.flags ?? 0x808;
    const start = [
      [record.localSignature ?? 0x04034b50, 4],
      [0, 2],
      [flags, 2],
      [method, 2],
      [0, 4],
      [0, 4],
    ] as const;
    add(numbers(...start, [0, 4], [0, 4], [localName.length, 2], [4 + padding, 2]));
    add(localName);
    add(concat(encoder.encode('FB'), numbers([padding, 2]), new Uint8Array(padding)));
    add(data);
    const sum = record.crc32 ?? crc32(record.data);
    const size = record.size ?? record.data.length;
    const compressed = record.compressed ?? data.length;
    add(numbers([0x08074b50, 4], [sum, 4], [compressed, 4], [size, 4]));
    const full = 0xffffffff;
    const isLarge = record.isLarge === true;
    const headerAt = record.header ?? header;
    const large = isLarge ? numbers([1, 2], [24, 2], [size, 8], [compressed, 8], [headerAt, 8]) : new Uint8Array(0);
    const extra = concat(record.extra ?? [], large);
    const sizes = isLarge ? ([[full, 4], [full, 4]] as const) : ([[compressed, 4], [size, 4]] as const); // prettier-ignore
    directory.push(
      numbers([0x02014b50, 4], [0, 2], [0, 2], [flags, 2], [method, 2], [0, 4], [sum, 4], ...sizes),
      numbers([name.length, 2], [extra.length, 2], [0, 2], [record.disk ?? 0, 2], [0, 2], [0, 4]),
      numbers([isLarge ? full : headerAt, 4]),
      name,
      extra,
    );
  }
  const offset = options.directoryOffset ?? at;
  const all = concat(...directory);
  add(all);
  const count = options.count ?? records.length;
  const size = options.directorySize ?? all.length;
  if (options.has64 !== false) {
    const at64 = options.at64 ?? at;
    add(numbers([options.signature64 ?? 0x06064b50, 4], [44, 8], [45, 2], [45, 2], [options.disks ?? 0, 4], [0, 4]));
    add(numbers([count, 8], [count, 8], [size, 8], [offset, 8]));
    add(numbers([0x07064b50, 4], [0, 4], [at64, 8], [1, 4]));
  }
  const comment = encoder.encode(options.comment ?? '');
  add(numbers([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [comment.length, 2]));
  add(comment);
  return concat(...parts);
}
