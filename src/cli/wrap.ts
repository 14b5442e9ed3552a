/** Lines that fit a terminal. Elsewhere, lines are not broken: files and pipes are searched by line. */
import type { WriteStream } from 'node:tty';
import { displayWidth } from '../report/displayWidth.js';

/** Columns for text: one less than the terminal has, because a line that fills the last one wraps; else Infinity. */
export function textColumns(stream: NodeJS.WritableStream): number {
  const { isTTY, columns } = stream as Partial<WriteStream>;
  return isTTY === true && columns !== undefined && columns > 1 ? columns - 1 : Infinity;
}

/** Joins parts to lines of at most so many columns, which break between parts only. */
function joinParts(parts: readonly string[], separator: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const part of parts) {
    if (line === null) line = part;
    else if (displayWidth(line + separator + part) <= columns) line += separator + part;
    else {
      lines.push(line);
      line = indent + part;
    }
  }
  return line === null ? lines : [...lines, line];
}

/** The indent of continuation lines, which leaves most of a narrow terminal to the text. */
const indentOf = (indent: number, columns: number): string => ' '.repeat(Math.min(indent, Math.floor(columns / 4)));

/** Breaks a line at its spaces. A word that is longer than a line, such as a path, is left in one piece. */
export function wrapText(text: string, columns: number, indent: number): string {
  if (displayWidth(text) <= columns) return text;
  // The spaces at the start belong to the first word.
  const [, start, rest] = /^(\s*)(.*)$/s.exec(text) as RegExpExecArray & [string, string, string];
  const [first, ...words] = rest.split(' ');
  return joinParts([start + first, ...words], ' ', columns, indentOf(indent, columns))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Joins parts with a separator; breaks lines between the parts, and within a part only if it is too long itself. */
export const wrapParts = (parts: readonly string[], separator: string, columns: number, indent: number): string =>
  joinParts(parts, separator, columns, indentOf(indent, columns))
    .map((line) => wrapText(line, columns, indent))
    .join('\n');
