/** Names of files are bytes. */

/** Bytes of a name in an error. */
const SHOWN_LENGTH = 100;

/** Whether bytes are text in UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Bytes as text, with `\\xNN` for all but the printable characters of ASCII. */
export function escapeBytes(bytes: Uint8Array): string {
  const texts = Array.from(bytes.subarray(0, SHOWN_LENGTH), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `${texts.join('')}${bytes.length > SHOWN_LENGTH ? '…' : ''}`;
}
