import { DataError } from '../../core/errors.js';

const BLOCK = 512;

/** A number in a tar header: octal digits, ended or padded by spaces and zero bytes. */
function octal(header: Uint8Array, start: number, length: number): number {
  const text = String.fromCharCode(...header.subarray(start, start + length)).replace(/[\0 ]+$/, '');
  return /^ *[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
}

/** The sum of the header's bytes, its own field read as spaces. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

/**
 * Walks the headers of a tar archive (512-byte blocks; size at 124, checksum at
 * 148, an empty block at the end). nanotar itself checks nothing: it takes any
 * bytes for a header and the end of a truncated file for the end of the archive.
 *
 * @throws DataError naming the file, for a truncated or damaged archive, or none.
 */
export function checkTar(bytes: Uint8Array, path: string): void {
  let at = 0;
  for (;;) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.length < BLOCK) {
      throw new DataError({
        op: path,
        expected: at === 0 ? 'a tar archive' : 'a whole tar archive',
        got: at === 0 ? `${bytes.length} bytes` : `a truncated one: ${bytes.length} bytes and no end of it`,
      });
    }
    if (header.every((byte) => byte === 0)) return;
    const size = octal(header, 124, 12);
    if (Number.isNaN(size) || octal(header, 148, 8) !== checksum(header)) {
      const got = at === 0 ? 'other bytes' : `a damaged header at byte ${at}`;
      throw new DataError({ op: path, expected: 'a tar archive', got });
    }
    // POSIX puts the front of a long path at 345, which nanotar does not read; GNU's magic is `ustar ` and a space.
    if (header[262] === 0 && header[345] !== 0) {
      throw new DataError({ op: path, expected: 'names of at most 100 characters', got: 'a longer one' });
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
