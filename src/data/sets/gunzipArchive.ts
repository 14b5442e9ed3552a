import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataError } from '../../core/errors.js';
import { startsWith } from '../../image/imageFormat.js';
import { reasonOf } from '../../io/reason.js';

const MIB = 2 ** 20;
/** How far a gzip file may grow: a hundredfold, or to 64 MiB if that is more, but not beyond 2 GiB. CIFAR-10 grows 1.1-fold. */
const [MAX_FACTOR, ALWAYS_ALLOWED, NEVER_ALLOWED] = [100, 64 * MIB, 2048 * MIB];

/** Formats that are not read, by their first bytes. */
const OTHER_FORMATS: readonly (readonly [bytes: string, name: string])[] = [
  ['PK\x03\x04', 'a zip archive'],
  ['BZh', 'bzip2 data'],
  ['\xfd7zXZ\0', 'xz data'],
  ['\x28\xb5\x2f\xfd', 'zstd data'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['Rar!\x1a\x07', 'a rar archive'],
];

const unzip = promisify(gunzip);

/** The number of bytes that a gzip file of `size` bytes may become. */
export const unpackedLimit = (size: number): number =>
  Math.min(NEVER_ALLOWED, Math.max(ALWAYS_ALLOWED, MAX_FACTOR * size));

/**
 * Unpacks a gzip file, also one of several parts; returns other bytes as they are.
 *
 * @throws DataError for a truncated or damaged file, one that becomes more than `unpackedLimit`, another format under a
 *   name that ends with `gz`, and for other kinds of archives
 */
export async function gunzipArchive(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const other = OTHER_FORMATS.find(([start]) => startsWith(bytes, 0, start));
  if (other !== undefined) {
    const hint = 'Unpack it and pass the folder.';
    throw new DataError({ op: path, expected: 'a tar archive, gzipped or not', got: other[1], hint });
  }
  if (!isGzip && /gz$/i.test(path)) {
    const got = bytes.length === 0 ? 'an empty file' : 'another format';
    throw new DataError({ op: path, expected: 'gzip data', got });
  }
  if (!isGzip) return bytes;
  const limit = unpackedLimit(bytes.length);
  try {
    return await unzip(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const most = `${Math.floor(limit / MIB)} MiB`;
      const expected = `at most ${most} of unpacked data for a file of ${bytes.length} bytes`;
      const hint = 'If you trust the file, unpack it with tar and pass the folder.';
      throw new DataError({ op: path, expected, got: 'more', hint }, { cause });
    }
    const reason = reasonOf(cause);
    const got = reason === 'unexpected end of file' ? 'a truncated file' : reason;
    throw new DataError({ op: path, expected: 'whole gzip data', got }, { cause });
  }
}
