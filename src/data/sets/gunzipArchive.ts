import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataError } from '../../core/errors.js';
import { messageOf } from '../../core/messageOf.js';
import { isGzip } from './archiveStart.js';

const MIB = 2 ** 20;
/** How far a gzip file may grow: a hundredfold, or to 64 MiB if that is more, but not beyond 2 GiB. CIFAR-10 grows 1.1-fold. */
const [MAX_FACTOR, ALWAYS_ALLOWED, NEVER_ALLOWED] = [100, 64 * MIB, 2048 * MIB];

const unzip = promisify(gunzip);

/** The number of bytes that a gzip file of `size` bytes may become. */
export const unpackedLimit = (size: number): number =>
  Math.min(NEVER_ALLOWED, Math.max(ALWAYS_ALLOWED, MAX_FACTOR * size));

/**
 * Unpacks a gzip file, also one of several parts; returns other bytes as they are, whatever the name of the file.
 *
 * @throws DataError for a truncated or damaged file, and one that becomes more than `unpackedLimit`
 */
export async function gunzipArchive(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
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
    const reason = messageOf(cause);
    const got = reason === 'unexpected end of file' ? 'a truncated file' : reason;
    const hint = 'Download or make the archive again.';
    throw new DataError({ op: path, expected: 'whole gzip data', got, hint }, { cause });
  }
}
