import { textColumns, wrapText } from './wrap.js';
import { displayWidth, padLeft, padRight } from '../report/displayWidth.js';

/** Formats rows as aligned columns. Columns of numbers are aligned to the right, others to the left. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)));
  const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => displayWidth(row[column]))));
  const isNumeric = widths.map((_, column) => rows.slice(1).every((row) => typeof row[column] === 'number'));
  return texts
    .map((row) =>
      row
        .map((text, column) => (isNumeric[column] ? padLeft : padRight)(text, widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A number with three significant digits; magnitudes below 1e-3 in scientific notation. */
export const threeDigits = (value: number): string =>
  Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(2) : value.toPrecision(3);

export const printLine = (stream: NodeJS.WritableStream, line: string): void => {
  stream.write(`${line}\n`);
};

export const print = (line: string): void => {
  printLine(process.stdout, line);
};

/** Columns of the label that many lines begin with, as `data   `. */
const LABEL = 7;

/** Prints text that is broken at spaces on a terminal. */
export const printText = (stream: NodeJS.WritableStream, text: string): void => {
  printLine(stream, wrapText(text, textColumns(stream), LABEL));
};

/** A word as a POSIX shell reads it: quoted if it has other characters than those of most paths. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** An error's name and message in one line. A message may quote a file that has several. */
export const errorLine = ({ name, message }: Error): string => `${name}: ${message}`.replace(/\s*\n\s*/g, ' ');

/** Prints an error to stderr, and its hint on a line of its own. */
export function printError(error: Error & { readonly hint?: string }): void {
  printText(process.stderr, errorLine(error));
  if (error.hint !== undefined) printText(process.stderr, `hint: ${error.hint}`);
}

export const printJson = (value: unknown): void => {
  print(JSON.stringify(value, null, 2));
};
