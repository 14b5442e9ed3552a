/** Output of the commands. Text that comes from files, such as the names of classes, cannot control the terminal. */
import { displayWidth, padLeft, padRight } from '../report/displayWidth.js';
import { escapeControls, escapeJson, escapeLines } from '../core/escapeControls.js';
import { textColumns, wrapText } from './wrap.js';

type Cell = string | number;

const cellText = (cell: Cell): string =>
  typeof cell === 'number' ? cell.toLocaleString('en-US') : escapeControls(cell);

/** Spaces between two columns. */
const GAP = 2;

/**
 * Formats rows as aligned columns. Columns of numbers are aligned to the right, others to the left. If that is too wide,
 * each row becomes a block of lines: its first cell, and the others with the names of their columns.
 *
 * @param columns the width of the terminal
 */
export function table(rows: readonly (readonly Cell[])[], columns = Infinity): string {
  const texts = rows.map((row) => row.map(cellText));
  const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => displayWidth(row[column]))));
  if (widths.reduce((sum, width) => sum + width + GAP, -GAP) > columns) return blocks(texts);
  const isNumeric = widths.map((_, column) => rows.slice(1).every((row) => typeof row[column] === 'number'));
  return texts
    .map((row) =>
      row
        .map((text, column) => (isNumeric[column] ? padLeft : padRight)(text, widths[column]))
        .join(' '.repeat(GAP))
        .trimEnd(),
    )
    .join('\n');
}

/** The rows of a table one below the other, without their empty cells. */
function blocks([[title, ...names], ...rows]: readonly (readonly string[])[]): string {
  const width = Math.max(...names.map(displayWidth));
  return rows
    .flatMap(([first, ...cells]) => [
      `${title} ${first}`,
      ...cells.flatMap((cell, i) => (cell === '' ? [] : [`  ${padRight(names[i], width)}  ${cell}`])),
    ])
    .join('\n');
}

/** A number with three significant digits; magnitudes below 1e-3 in scientific notation. */
export const threeDigits = (value: number): string =>
  Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(2) : value.toPrecision(3);

/** Prints a line that is never broken, such as a command to copy. */
export const printLine = (stream: NodeJS.WritableStream, line: string): void => {
  stream.write(`${escapeControls(line)}\n`);
};

/** A label of up to three words, as `data   ` or `memory `, or leading spaces; the text continues below what follows. */
const LABEL = /^(?:\S+(?: \S+){0,2} {2,}|\S{6} | +)/;
/** The indent of text without a label. */
const INDENT = 2;
const indentOf = (text: string): number => LABEL.exec(text)?.[0].length ?? INDENT;

/** Prints a line of text, which is broken at spaces on a terminal. */
export const printText = (stream: NodeJS.WritableStream, text: string): void => {
  const line = escapeControls(text);
  stream.write(`${wrapText(line, textColumns(stream), indentOf(line))}\n`);
};

export const print = (text: string): void => {
  printText(process.stdout, text);
};

/** Prints several lines, such as a table. Cells with line ends must be escaped before: `table` does. */
export const printBlock = (text: string): void => {
  for (const line of escapeLines(text).split('\n')) print(line);
};

/** Columns for text on standard output; Infinity in a pipe or a file. */
export const outputColumns = (): number => textColumns(process.stdout);

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

/** JSON as `JSON.stringify` writes it; no control characters either. */
export const toJson = (value: unknown, space?: number): string => escapeJson(JSON.stringify(value, null, space));

export const printJson = (value: unknown): void => {
  process.stdout.write(`${toJson(value, 2)}\n`);
};
