/** The strings of protocol 0, which are written as lines. */
import { latin1Bytes } from './pickleValues.js';

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '\\': '\\', "'": "'", '"': '"', n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' },
};

/** The bytes of a quoted string with escapes, as `repr` of Python 2 writes it; null without quotes. */
export function protocol0Bytes(line: string): Uint8Array | null {
  const match = /^(['"])([^]*)\1$/.exec(line.trim());
  if (match === null) return null;
  const text = match[2].replace(/\\(?:x([\da-fA-F]{2})|([^]))/g, (whole, hex?: string, letter?: string) =>
    hex === undefined ? (ESCAPES[letter ?? ''] ?? whole) : String.fromCharCode(parseInt(hex, 16)),
  );
  return latin1Bytes(text);
}

/** Text whose letters above U+00FF are escapes, as the encoding `raw-unicode-escape` writes it. */
export const protocol0Text = (line: string): string =>
  line.replace(/\\u([\da-fA-F]{4})|\\U00([\da-fA-F]{6})/g, (whole, short?: string, long?: string) => {
    const code = parseInt(short ?? long ?? '', 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
