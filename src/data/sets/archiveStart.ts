/** Recognizes tar archives, and what is passed instead of one, by the first bytes. */
import { DataError } from '../../core/errors.js';
import { fileKind, HEAD } from '../../io/fileKind.js';

/** The length of a header of tar, which is also that of the bytes that `fileKind` looks at. */
const BLOCK = HEAD;
const CHECKSUM = { at: 148, length: 8 };
const SPACE = 0x20;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Whether the bytes begin with a header of tar, by its checksum, or with an empty block. */
function isTarHeader(bytes: Uint8Array): boolean {
  const header = bytes.subarray(0, BLOCK);
  if (header.length < BLOCK) return false;
  if (header.every((byte) => byte === 0)) return true;
  const end = CHECKSUM.at + CHECKSUM.length;
  // The field of the checksum counts as spaces.
  const sum = header.reduce((total, byte, i) => total + (i >= CHECKSUM.at && i < end ? SPACE : byte), 0);
  return parseInt(String.fromCharCode(...header.subarray(CHECKSUM.at, end)), 8) === sum;
}

/** What to do with a file that is no tar archive. */
function hintFor({ name, hint }: { readonly name: string; readonly hint: string }): string {
  if (/^(an HTML page|XML|a Git LFS|a git-annex|an empty file|only zeros)/.test(name)) return hint;
  if (/archive$|^(bzip2|xz|zstd|lz4)$/.test(name)) return 'Unpack it, and pass the folder.';
  if (/image$/.test(name)) return 'Pass the folder that has a folder of pictures for each class.';
  if (/CIFAR/.test(name)) return 'Pass the folder that it is in.';
  return 'Pass a tar archive, gzipped or not, or a folder.';
}

/**
 * @param path the file, for errors
 * @param head the first bytes of the file, or of what it contains if it is gzipped
 * @throws DataError that says what the file is, if it is no tar archive
 */
export function checkTarStart(path: string, head: Uint8Array): void {
  if (isTarHeader(head)) return;
  const kind = fileKind(head.subarray(0, BLOCK));
  // Damaged: the reader says where.
  if (kind.name === 'a tar archive' && head.length >= BLOCK) return;
  throw new DataError({ op: path, expected: 'a tar archive, gzipped or not', got: kind.name, hint: hintFor(kind) });
}
