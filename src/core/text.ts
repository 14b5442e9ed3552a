/** Decodes text of unknown origin. */

const isMark = (bytes: Uint8Array, ...mark: readonly number[]): boolean => mark.every((byte, i) => bytes[i] === byte);

/** The encoding by its byte order mark or, for text that begins with an ASCII character, by the zeros of UTF-16. */
function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32' {
  const [first, second] = bytes;
  if (isMark(bytes, 0xff, 0xfe, 0, 0) || isMark(bytes, 0, 0, 0xfe, 0xff)) return 'utf-32';
  if (isMark(bytes, 0xff, 0xfe) || (first > 0 && second === 0)) return 'utf-16le';
  return isMark(bytes, 0xfe, 0xff) || (first === 0 && second > 0) ? 'utf-16be' : 'utf-8';
}

/** Not every runtime decodes big endian. */
function swapPairs(bytes: Uint8Array): Uint8Array {
  // `slice` of a Buffer does not copy.
  const swapped = new Uint8Array(bytes);
  for (let i = 0; i + 1 < bytes.length; i += 2) [swapped[i], swapped[i + 1]] = [bytes[i + 1], bytes[i]];
  return swapped;
}

/**
 * Decodes UTF-8, and UTF-16 of either byte order, as editors and PowerShell (`>`) write it on Windows. A byte order mark
 * is removed.
 *
 * @returns null if the bytes are none of these
 */
export function decodeText(bytes: Uint8Array): string | null {
  const encoding = encodingOf(bytes);
  if (encoding === 'utf-32') return null;
  try {
    if (encoding === 'utf-16be') return new TextDecoder('utf-16le', { fatal: true }).decode(swapPairs(bytes));
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
