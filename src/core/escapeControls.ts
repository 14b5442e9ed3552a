/**
 * Control characters (C0, DEL, C1), separators of lines, marks that reorder text, and lone surrogates: in the name of a
 * file or a class they would control the terminal, or show another name.
 */
const CONTROLS = /[\p{Cc}\p{Bidi_C}\u2028\u2029\p{Cs}]/gu;

function codeOf(character: string, prefix: string, digits: number): string {
  return `\\${prefix}${character.charCodeAt(0).toString(16).padStart(digits, '0')}`;
}

const escaped = (character: string): string =>
  character < '\u0100' ? codeOf(character, 'x', 2) : codeOf(character, 'u', 4);

/** Text in one line, with `\x1b` for the character 0x1b, and `\u202e` for U+202E. */
export const escapeControls = (text: string): string => text.replace(CONTROLS, escaped);

/** As `escapeControls`, but line ends stay. For text whose parts are escaped already. */
export const escapeLines = (text: string): string =>
  text.replace(CONTROLS, (character) => (character === '\n' ? '\n' : escaped(character)));

/** JSON with the same values: `JSON.stringify` escapes C0 only. */
export const escapeJson = (json: string): string =>
  json.replace(CONTROLS, (character) => (character === '\n' ? '\n' : codeOf(character, 'u', 4)));
