/** Rows as columns: text to the left, numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)));
  const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => row[column].length)));
  const toTheRight = widths.map((_, column) => rows.slice(1).every((row) => typeof row[column] === 'number'));
  return texts
    .map((row) =>
      row
        .map((text, column) => (toTheRight[column] ? text.padStart(widths[column]) : text.padEnd(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** Three digits, whatever the magnitude; small ones as powers of ten. */
export const brief = (value: number): string =>
  Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(2) : value.toPrecision(3);

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** An error in one line: a message may quote a file that has many. */
export const lineOf = ({ name, message }: Error): string => `${name}: ${message}`.replace(/\s*\n\s*/g, ' ');

export const printJson = (value: unknown): void => {
  print(JSON.stringify(value, null, 2));
};
