/** Valid files of several formats, made here so that their structure is known. */
import { crc32 } from './crc32.js';
import { deflateSync } from 'node:zlib';
import { bytesOfText, concat } from './mutateBytes.js';

export interface TarEntry {
  readonly name: string;
  readonly data?: Uint8Array;
  /** Default '0', a file. */
  readonly type?: string;
  readonly link?: string;
}

const BLOCK = 512;

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

/** Writes the checksum of a header: the sum of its bytes, with the field itself as spaces. */
export function sealTarHeader(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(bytesOfText(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
}

function tarHeader({ name, data = new Uint8Array(0), type = '0', link = '' }: TarEntry): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => {
    header.set(bytesOfText(text).subarray(0, BLOCK - at), at);
  };
  put(0, name.slice(0, 100));
  put(100, octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(data.length, 12) + octal(0, 12));
  put(156, type);
  put(157, link.slice(0, 100));
  put(257, 'ustar\x0000');
  sealTarHeader(header);
  return header;
}

const padded = (data: Uint8Array): Uint8Array => concat(data, new Uint8Array((BLOCK - (data.length % BLOCK)) % BLOCK));

/** A PAX record: its own length in decimal digits, a key and a value. */
export function paxRecord(key: string, value: string): Uint8Array {
  const rest = bytesOfText(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return concat(bytesOfText(String(length)), rest);
}

export const tar = (entries: readonly TarEntry[]): Uint8Array =>
  concat(
    ...entries.flatMap((entry) => [tarHeader(entry), padded(entry.data ?? new Uint8Array(0))]),
    new Uint8Array(2 * BLOCK),
  );

const uint32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

/** A chunk of PNG with its checksum. */
export const pngChunk = (type: string, data: Uint8Array): Uint8Array => {
  const body = concat(bytesOfText(type), data);
  return concat(uint32(data.length), body, uint32(crc32(body)));
};

/** EXIF with an orientation, in little-endian TIFF. */
export const exif = (orientation: number): Uint8Array =>
  Uint8Array.from([
    0x49,
    0x49,
    42,
    0,
    8,
    0,
    0,
    0,
    1,
    0,
    0x12,
    0x01,
    3,
    0,
    1,
    0,
    0,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);

export const PNG_MAGIC = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);

/** An RGB image of 8 bits, with EXIF. */
export function png(width: number, height: number): Uint8Array {
  const rows = Uint8Array.from({ length: height * (1 + 3 * width) }, (_, i) =>
    i % (1 + 3 * width) === 0 ? 0 : i * 37,
  );
  const header = concat(uint32(width), uint32(height), Uint8Array.from([8, 2, 0, 0, 0]));
  return concat(
    PNG_MAGIC,
    pngChunk('IHDR', header),
    pngChunk('eXIf', exif(6)),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', new Uint8Array(0)),
  );
}

const op = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** A little-endian operand of four bytes. */
const operand = (value: number): Uint8Array => uint32(value).reverse();

/** A pickle of protocol 2: `{data: uint8 [n, width], labels: [0, …]}`, as CIFAR's batches have it. */
export const cifarPickle = (n: number, width: number, labels: string): Uint8Array =>
  concat(
    op('\x80\x02}q\x00(U\x04data'),
    op('cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03('),
    op('K\x01'),
    op('J'),
    operand(n),
    op('J'),
    operand(width),
    op('\x86cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T'),
    operand(n * width),
    Uint8Array.from({ length: n * width }, (_, i) => i * 13),
    op('tb'),
    op(`U${String.fromCharCode(labels.length)}${labels}](`),
    ...Array.from({ length: n }, (_, i) => op(`K${String.fromCharCode(i % 10)}`)),
    op('eu.'),
  );
