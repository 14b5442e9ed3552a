import { DataError } from '../../core/errors.js';

const BLOCK = 512;

/** A number in a tar header: octal digits, padded with spaces and zero bytes. NaN for other bytes. */
function octal(header: Uint8Array, start: number, length: number): number {
  const text = String.fromCharCode(...header.subarray(start, start + length)).replace(/[\0 ]+$/, '');
  return /^ *[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
}

/** The sum of the header's bytes, with the checksum field itself counted as spaces. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

/**
 * Checks the headers of a tar archive (512-byte blocks; size at byte 124, checksum at 148, an empty block at the end).
 * nanotar does not: it accepts any bytes as a header, and the end of a truncated file as the end of the archive.
 *
 * @throws DataError if the file is no tar archive, truncated or damaged
 */
export function checkTar(bytes: Uint8Array, path: string): void {
  let offset = 0;
  for (;;) {
    const header = bytes.subarray(offset, offset + BLOCK);
    if (header.length < BLOCK) {
      throw new DataError({
        op: path,
        expected: offset === 0 ? 'a tar archive' : 'a whole tar archive',
        got: offset === 0 ? `${bytes.length} bytes` : `a truncated one of ${bytes.length} bytes`,
      });
    }
    if (header.every((byte) => byte === 0)) return;
    const size = octal(header, 124, 12);
    if (Number.isNaN(size) || octal(header, 148, 8) !== checksum(header)) {
      const got = offset === 0 ? 'other bytes' : `a damaged header at byte ${offset}`;
      throw new DataError({ op: path, expected: 'a tar archive', got });
    }
    // nanotar ignores the prefix of a long path at byte 345 of POSIX headers. GNU's magic has a space at byte 262.
    if (header[262] === 0 && header[345] !== 0) {
      throw new DataError({ op: path, expected: 'names of at most 100 characters', got: 'a longer one' });
    }
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
