/**
 * Reads tar archives: old ones (v7), ustar, PAX and GNU. modern-tar parses the headers. This module passes over their
 * blocks in step with it, for what modern-tar leaves out: kinds of members that it does not know and would read as
 * files, damaged PAX records, which it would ignore, and where an error is.
 */
import { unpackTar, type TarHeader } from 'modern-tar';
import { DataError } from '../../core/errors.js';
import { messageOf } from '../../core/messageOf.js';
import { escapeBytes, isUtf8 } from './escapeBytes.js';
import { relativePath } from './memberNames.js';
import { latin1 } from '../../io/pickle/pickleValues.js';

/** A member of a tar archive. */
export interface TarMember {
  /** The path relative to the archive, as by `relativePath`. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'link' | 'symlink' | 'other';
  /** What an 'other' member is. */
  readonly kind: string;
  /** The target of a link, as stored. */
  readonly target: string;
  /** The content of a file: a view of the archive. */
  readonly data: Uint8Array;
}

const BLOCK = 512;
/** Offsets and lengths of the fields of a header. */
const FIELDS = {
  name: [0, 100],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  prefix: [345, 155],
} as const;
const [TYPE, MAGIC, LAST_FIELD] = [156, 257, 500];
const POSIX_MAGIC = Buffer.from('ustar\0');

type Field = readonly [at: number, length: number];

const blocks = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Members that describe the next one: PAX records, for it or for all, and long names of GNU. */
const METADATA = 'xgLK';
/** Members that modern-tar reads as they are: files of three kinds, links, devices, folders and pipes. */
const KNOWN = '\x0001234567';

/** What other members are, by their type. */
const FOREIGN: Readonly<Record<string, string>> = {
  S: 'a sparse file of GNU tar',
  D: 'a list of a folder from an incremental archive',
  M: 'the continuation of a file from another volume',
  N: 'a long name of an early GNU tar',
  X: 'PAX records of Solaris',
};
const VOLUME_LABEL = 'V';
/** The remedy for a damaged or truncated archive. */
const AGAIN = 'Download or make the archive again.';

/** A number in a header: octal digits up to a NUL, spaces ignored. NaN for other bytes. */
function octal(header: Uint8Array, [at, length]: Field): number {
  const [digits] = String.fromCharCode(...header.subarray(at, at + length)).split('\0');
  return /^[ 0-7]*$/.test(digits) ? Number(`0o0${digits.replaceAll(' ', '')}`) : NaN;
}

/** A number in a header: octal digits, or in base 256, as GNU tar writes large ones. NaN for a number that is too large. */
function number(header: Uint8Array, field: Field): number {
  const [at, length] = field;
  if (header[at] < 0x80) return octal(header, field);
  const digits = header.subarray(at + 1, at + length);
  const value = digits.reduce((high, byte) => high * 256 + byte, header[at] & 0x7f);
  return Number.isSafeInteger(value) ? value : NaN;
}

const writeChecksum = (header: Uint8Array, checksum: number): void => {
  header.set(Buffer.from(`${checksum.toString(8).padStart(6, '0')}\0 `), FIELDS.checksum[0]);
};

/** Replaces a checksum of signed bytes, as early programs computed it, by that of unsigned ones, which modern-tar requires. */
function replaceSignedChecksum(header: Uint8Array): void {
  const [at, length] = FIELDS.checksum;
  let [unsigned, signed] = [0, 0];
  for (let i = 0; i < header.length; i++) {
    const byte = i >= at && i < at + length ? 0x20 : header[i];
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const stored = octal(header, FIELDS.checksum);
  if (stored === signed && signed !== unsigned) writeChecksum(header, unsigned);
}

/**
 * Replaces binary numbers of times and ids by 0. GNU tar writes them for times before 1970 and for large ids, of which
 * modern-tar refuses some. They are of no use here.
 */
function clearBinaryNumbers(header: Uint8Array): void {
  for (const [at, length] of [FIELDS.uid, FIELDS.gid, FIELDS.mtime]) {
    if (header[at] < 0x80) continue;
    const field = header.subarray(at, at + length);
    const sum = field.reduce((total, byte) => total + byte, 0);
    field.fill(0);
    // A header that was damaged stays so: the checksum changes by as much as the field.
    const checksum = octal(header, FIELDS.checksum) - sum;
    if (checksum >= 0) writeChecksum(header, checksum);
  }
}

const [EQUALS, LINE_FEED] = [0x3d, 0x0a];
/** Digits of the length of a record: modern-tar refuses members of metadata above 8 MiB. */
const MAX_DIGITS = 7;
/** Bytes of the keys that are looked at, the longest being `path`. */
const MAX_KEY = 64;

/** PAX records, `length key=value\n` one after the other, by key; null for other bytes. Values may be any bytes, such as attributes. */
function readPaxRecords(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> | null {
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const start = String.fromCharCode(...bytes.subarray(at, at + MAX_DIGITS + 1));
    const digits = /^(\d+) /.exec(start)?.[1];
    if (digits === undefined) return null;
    const space = at + digits.length;
    const end = at + Number(digits);
    const equals = bytes.indexOf(EQUALS, space);
    if (equals <= space + 1 || equals >= end || bytes[end - 1] !== LINE_FEED) return null;
    if (equals - space <= MAX_KEY) {
      const key = String.fromCharCode(...bytes.subarray(space + 1, equals));
      records.set(key, bytes.subarray(equals + 1, end - 1));
    }
    at = end;
  }
  return records;
}

/** The bytes of a field up to a NUL. */
function fieldBytes(header: Uint8Array, [at, length]: Field): Uint8Array {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/** The name in a header, which POSIX may cut in two. */
function headerName(header: Uint8Array): Uint8Array {
  const [name, prefix] = [fieldBytes(header, FIELDS.name), fieldBytes(header, FIELDS.prefix)];
  const isPosix = Buffer.from(header.subarray(MAGIC, MAGIC + 6)).equals(POSIX_MAGIC);
  return isPosix && prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name;
}

/** The blocks of an archive, passed over in step with modern-tar. */
class TarBlocks {
  /** Where the next header is. */
  offset = 0;
  /** The name of the next member in PAX records or GNU's, as it is stored; null if it is in the header. */
  private longName: Uint8Array | null = null;
  /** The name that PAX records give to all members that follow. */
  private globalName: Uint8Array | null = null;
  /** The kinds of the members before the next one that describe it, and where they begin. */
  private metadata = { flags: '', at: 0 };

  constructor(
    private readonly bytes: Uint8Array,
    private readonly path: string,
  ) {}

  /** The member with this header; then passes over it. @throws DataError for a member that is not supported */
  take(header: TarHeader): TarMember {
    const { path, offset: at } = this;
    const flag = String.fromCharCode(this.bytes[at + TYPE]);
    const { name: stored, type = 'file', size, linkname: target = '', pax = {} } = header;
    const refuse = (expected: string, got: string, hint?: string): never => {
      throw new DataError({ op: `${path}: ${stored || `the member at byte ${at}`}`, expected, got, hint });
    };
    if (Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'))) {
      refuse('files stored in full', 'a sparse file of GNU tar', 'Pack it without --sparse.');
    }
    if (!KNOWN.includes(flag) && flag !== VOLUME_LABEL) {
      const hint = flag === 'S' ? 'Pack it without --sparse.' : 'Unpack it with tar, and pass the folder.';
      refuse('files, folders and links', FOREIGN[flag] ?? `a member of type ${JSON.stringify(flag)}`, hint);
    }
    const isFolder = type === 'directory';
    const bytesOfName = this.longName ?? this.globalName ?? headerName(this.bytes.subarray(at, at + BLOCK));
    // The replacement character of the decoder, or one in the name itself.
    if (stored.includes('\ufffd') && !isUtf8(bytesOfName)) {
      const hint = 'Unpack the archive, rename the file (convmv), and pack it again.';
      const op = `${path}: ${escapeBytes(bytesOfName)}`;
      throw new DataError({ op, expected: 'a name in UTF-8', got: `'${escapeBytes(bytesOfName)}'`, hint });
    }
    if (isFolder && flag !== '5' && number(this.bytes.subarray(at, at + BLOCK), FIELDS.size) !== 0) {
      refuse("a file, whose name does not end with '/'", stored, 'Rename the file, and pack it again.');
    }
    const begin = at + BLOCK;
    // Before the end is known to be there: modern-tar refuses a truncated member next.
    const data = this.bytes.subarray(begin, begin + size);
    this.offset = begin + blocks(size);
    this.longName = null;
    this.metadata = { flags: '', at: this.offset };
    this.passMetadata();
    const name = relativePath(stored, isFolder, path, at);
    if (flag === VOLUME_LABEL) return { name, type: 'other', kind: 'the label of a volume', target, data };
    if (type === 'file' || type === 'directory' || type === 'link' || type === 'symlink') {
      return { name, type, kind: type, target, data };
    }
    return { name, type: 'other', kind: type === 'fifo' ? 'a pipe' : `a ${type.replace('-', ' ')}`, target, data };
  }

  /**
   * Whether only empty blocks follow. modern-tar requires two of them; some programs write one. Less than a block after
   * them cannot be a member: a line feed, for example.
   */
  isAtEnd(): boolean {
    const rest = this.bytes.subarray(this.offset);
    return rest.length >= BLOCK && isZero(rest.subarray(0, rest.length - (rest.length % BLOCK)));
  }

  /** The error of modern-tar as a DataError that says where it is. */
  explain(cause: unknown): DataError {
    const { bytes, path, offset } = this;
    const refuse = (expected: string, got: string, hint?: string): DataError =>
      new DataError({ op: path, expected, got, hint }, { cause });
    const header = bytes.subarray(offset, offset + BLOCK);
    const truncated = (): DataError => refuse('a whole tar archive', `a truncated one of ${bytes.length} bytes`, AGAIN);
    if (header.length < BLOCK) return truncated();
    if (isZero(header)) {
      const got = `more bytes after the empty block at byte ${offset}`;
      const hint = 'Join archives with tar -A instead of cat.';
      return refuse('nothing after the end of the archive', got, hint);
    }
    if (messageOf(cause) === TRUNCATED) return truncated();
    return refuse('a tar archive', `a damaged header at byte ${offset} (${messageOf(cause)})`, AGAIN);
  }

  /** @throws DataError if the last member describes one that does not follow */
  checkComplete(): void {
    const { flags, at } = this.metadata;
    if (flags === '') return;
    const got = `no member after the PAX records or the long name at byte ${at}`;
    throw new DataError({ op: this.path, expected: 'a whole tar archive', got, hint: AGAIN });
  }

  /**
   * Passes over members that describe the next one.
   *
   * @throws DataError for damaged PAX records, and for those that modern-tar would lose or ignore
   */
  passMetadata(): void {
    let recordsEnd = 0;
    for (;;) {
      const header = this.bytes.subarray(this.offset, this.offset + BLOCK);
      if (header.length < LAST_FIELD) break;
      replaceSignedChecksum(header);
      clearBinaryNumbers(header);
      const flag = String.fromCharCode(header[TYPE]);
      const size = number(header, FIELDS.size);
      const begin = this.offset + BLOCK;
      // modern-tar refuses a size that is no number, and a truncated member.
      if (!METADATA.includes(flag) || Number.isNaN(size) || begin + size > this.bytes.length) break;
      this.addMetadata(flag);
      const data = this.bytes.subarray(begin, begin + size);
      if (flag === 'L') this.longName = fieldBytes(data, [0, size]);
      if (/[xg]/.test(flag)) {
        const records = readPaxRecords(data);
        if (records === null) {
          const got = `damaged ones at byte ${begin}`;
          throw new DataError({ op: this.path, expected: "records of PAX, 'length key=value'", got, hint: AGAIN });
        }
        this.checkSize(records.get('size'), begin);
        if (flag === 'x') this.longName = records.get('path') ?? this.longName;
        else this.globalName = records.get('path') ?? this.globalName;
      }
      this.offset = begin + blocks(size);
      if (flag === 'x') recordsEnd = this.offset;
    }
    if (this.metadata.flags === 'x') this.moveToEnd(this.metadata.at, recordsEnd);
  }

  /** Moves PAX records behind those for all that follow them: modern-tar would lose them otherwise. */
  private moveToEnd(start: number, end: number): void {
    if (end === this.offset) return;
    // A Buffer's `slice` would not copy.
    const records = new Uint8Array(this.bytes.subarray(start, end));
    this.bytes.copyWithin(start, end, this.offset);
    this.bytes.set(records, this.offset - records.length);
  }

  /** Refuses PAX records of a member beside other metadata of it: modern-tar would use only one of them, or the other one. */
  private addMetadata(flag: string): void {
    const { flags, at } = this.metadata;
    if ((flags.includes('x') && flag !== 'g') || (flag === 'x' && flags !== '')) {
      const got = `more metadata at byte ${this.offset}`;
      const hint = 'Unpack it with tar, and pass the folder.';
      throw new DataError({ op: this.path, expected: 'a member after the metadata of one kind', got, hint });
    }
    if (flag !== 'g') this.metadata = { flags: flags + flag, at: flags === '' ? this.offset : at };
  }

  /** Refuses a size in PAX records that modern-tar would ignore, so that the content of the member would be another. */
  private checkSize(size: Uint8Array | undefined, at: number): void {
    const text = size === undefined ? '0' : latin1(size.subarray(0, MAX_KEY));
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return;
    const got = `${JSON.stringify(text)} at byte ${at}`;
    throw new DataError({ op: this.path, expected: 'a size in digits in PAX records', got, hint: AGAIN });
  }
}

/** The message of modern-tar. */
const TRUNCATED = 'Tar archive is truncated.';

/**
 * Reads the members of a tar archive, in their order. Fields of headers that are not needed may be changed in `bytes`.
 *
 * @throws DataError if the bytes are no tar archive, truncated or damaged, or for a member that cannot be read: one that
 *   is not known, a sparse file, or one with an invalid name
 */
export async function readTar(bytes: Uint8Array, path: string): Promise<TarMember[]> {
  const members: TarMember[] = [];
  const tar = new TarBlocks(bytes, path);
  // Nothing is left for modern-tar to copy.
  const filter = (header: TarHeader): boolean => {
    members.push(tar.take(header));
    return false;
  };
  try {
    tar.passMetadata();
    await unpackTar(bytes, { strict: true, filter });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    if (!tar.isAtEnd()) throw tar.explain(cause);
  }
  tar.checkComplete();
  return members;
}
