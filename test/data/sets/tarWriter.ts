/** Writes tar archives block by block, also with headers that no program would write. */

/** A member, with the fields of its header. */
export interface Member {
  readonly name: string | Uint8Array;
  readonly data?: Uint8Array | string;
  /** Default '0', a file. */
  readonly type?: string;
  readonly target?: string;
  /** The size in the header. Default: the length of `data`. */
  readonly size?: number;
  /** Default POSIX's `ustar\0` and version `00`. */
  readonly magic?: string;
  readonly prefix?: string;
  /** Bytes of the modification time. */
  readonly mtime?: Uint8Array;
}

const BLOCK = 512;
const bytesOf = (data: Uint8Array | string): Uint8Array => (typeof data === 'string' ? Buffer.from(data) : data);
const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

function writeHeader(member: Member, length: number): Uint8Array {
  const { name, type = '0', target = '', size = length, magic = 'ustar\x0000', prefix = '', mtime } = member;
  const header = Buffer.alloc(BLOCK);
  header.set(bytesOf(name), 0);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  if (mtime !== undefined) header.set(mtime, 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156, 'latin1');
  header.write(target, 157);
  header.write(magic, 257, 'latin1');
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148);
  return header;
}

/** The header and the content of a member, padded to blocks. */
export function memberBlocks(member: Member): Uint8Array {
  const data = bytesOf(member.data ?? '');
  const blocks = new Uint8Array(BLOCK + Math.ceil(data.length / BLOCK) * BLOCK);
  blocks.set(writeHeader(member, data.length));
  blocks.set(data, BLOCK);
  return blocks;
}

/** A record of PAX: its length, which counts its own digits, the key and the value. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = Buffer.byteLength(rest);
  const digits = String(length + String(length).length).length;
  return `${length + digits}${rest}`;
}

/** A member with records of PAX before it. */
export const withPax = (records: Readonly<Record<string, string>>, member: Member): Member[] => [
  {
    name: 'pax',
    type: 'x',
    data: Object.entries(records)
      .map(([key, value]) => paxRecord(key, value))
      .join(''),
  },
  member,
];

/** @param end the bytes after the members; default two empty blocks */
export const tarOfMembers = (members: readonly Member[], end: Uint8Array = new Uint8Array(2 * BLOCK)): Uint8Array =>
  Buffer.concat([...members.map(memberBlocks), end]);

/** A tar archive of files by name, and of folders with a '/' at the end. */
export const tarOf = (files: Readonly<Record<string, Uint8Array | string>>): Uint8Array =>
  tarOfMembers(Object.entries(files).map(([name, data]) => ({ name, data, type: name.endsWith('/') ? '5' : '0' })));
