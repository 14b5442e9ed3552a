/** The line of a progress bar, which never fills the terminal: a line that does would wrap. */
import type { WriteStream } from 'node:tty';

/** Characters of the bar, and the columns beside it without which it is left out. */
const [BAR, BESIDE] = [24, 30];
/** The width of a terminal that does not know its own. */
const COLUMNS = 80;

/** Columns for a line of a terminal. */
export const lineColumns = (stream: NodeJS.WritableStream): number =>
  Math.max(1, ((stream as Partial<WriteStream>).columns ?? COLUMNS) - 1);

/** Joins the first field and as many others as fit. */
export function joinFields([first, ...fields]: readonly string[], columns: number): string {
  let line = first.slice(0, Math.max(0, columns));
  for (const field of fields) {
    if (line.length + 2 + field.length > columns) break;
    line += `  ${field}`;
  }
  return line;
}

/**
 * `epoch 1/2 ████░░░░  25%  loss 2.1`.
 *
 * @param head what the bar is about
 * @param fraction the part that is done, in [0, 1]; null if the whole is not known
 * @param fields the most important first: a narrow terminal shows the first ones only
 */
export function barLine(head: string, fraction: number | null, fields: readonly string[], columns: number): string {
  const part = Math.min(1, Math.max(0, fraction ?? 0));
  const done = Math.round(BAR * part);
  const isWide = fraction !== null && columns >= head.length + 1 + BAR + BESIDE;
  const start = isWide ? `${head} ${'█'.repeat(done)}${'░'.repeat(BAR - done)} ` : `${head} `;
  const share = fraction === null ? [] : [`${Math.floor(100 * part)}%`.padStart(4)];
  return `${start}${joinFields([...share, ...fields], columns - start.length)}`.slice(0, columns);
}
