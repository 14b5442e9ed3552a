import { ParamError } from '../core/errors.js';

/** Which classes are taken for which. */
export interface Confusion {
  readonly classNames: readonly string[];
  /** counts[label][prediction] */
  readonly counts: readonly (readonly number[])[];
  /** Share of each class that was recognized; NaN for one of which there is no image. */
  readonly perClass: readonly number[];
  /** Share of all. */
  readonly accuracy: number;
  readonly total: number;
}

/**
 * Counts pairs of what is on an image and what was said to be.
 *
 * @throws ParamError for lists of different lengths, or a class that has no name
 */
export function confusionOf(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classNames: readonly string[],
): Confusion {
  if (labels.length !== predictions.length) {
    const expected = `as many predictions as the ${labels.length} labels`;
    throw new ParamError({ op: 'confusionOf', expected, got: `${predictions.length}` });
  }
  const counts = classNames.map(() => new Array<number>(classNames.length).fill(0));
  for (let i = 0; i < labels.length; i++) {
    for (const index of [labels[i], predictions[i]]) {
      if (!(index in classNames)) {
        throw new ParamError({ op: 'confusionOf', expected: `classes below ${classNames.length}`, got: `${index}` });
      }
    }
    counts[labels[i]][predictions[i]]++;
  }
  const right = counts.map((row, c) => row[c]);
  const perClass = counts.map((row, c) => right[c] / row.reduce((a, b) => a + b, 0));
  const accuracy = right.reduce((a, b) => a + b, 0) / labels.length;
  return { classNames, counts, perClass, accuracy, total: labels.length };
}

/** More columns than these are no table for a terminal. */
export const MAX_COLUMNS = 20;
/** Confusions named where the matrix is not shown. */
const NAMED = 10;

/** A class without images has no share. */
export const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)}%`);

export const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** Rows to the right, the first column to the left. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One class taken for another, so many times. */
export interface Mistake {
  readonly label: string;
  readonly prediction: string;
  readonly count: number;
}

/** The most frequent mistakes, most frequent first. */
export function mistakes({ counts, classNames }: Confusion, most = NAMED): Mistake[] {
  return counts
    .flatMap((row, label) => row.map((count, prediction) => ({ label, prediction, count })))
    .filter(({ label, prediction, count }) => label !== prediction && count > 0)
    .sort((a, b) => b.count - a.count || a.label - b.label || a.prediction - b.prediction)
    .slice(0, most)
    .map(({ label, prediction, count }) => ({
      label: classNames[label],
      prediction: classNames[prediction],
      count,
    }));
}

/** For a terminal: the matrix, columns by number; of many classes, the worst of them and the most frequent mistakes. */
export function confusionTable(confusion: Confusion): string {
  const { classNames, counts, perClass } = confusion;
  const names = classNames.map((name, i) => `${i} ${shorten(name, 20)}`);
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  if (classNames.length <= MAX_COLUMNS) {
    return aligned([
      ['is \\ taken for', ...classNames.map((_, i) => `${i}`), 'accuracy'],
      ...counts.map((row, i) => [
        names[i],
        ...row.map((count) => (count === 0 ? '.' : `${count}`)),
        percent(perClass[i]),
      ]),
    ]);
  }
  const worst = [...perClass.keys()]
    .filter((i) => totals[i] > 0)
    .sort((a, b) => perClass[a] - perClass[b] || a - b)
    .slice(0, NAMED);
  return [
    `the ${worst.length} least recognized of ${classNames.length} classes`,
    aligned([['class', 'images', 'accuracy'], ...worst.map((i) => [names[i], `${totals[i]}`, percent(perClass[i])])]),
    '',
    'most frequent mistakes',
    aligned([
      ['is -> taken for', 'times'],
      ...mistakes(confusion).map(({ label, prediction, count }) => [
        `${shorten(label, 20)} -> ${shorten(prediction, 20)}`,
        `${count}`,
      ]),
    ]),
  ].join('\n');
}

/** Quoted where a comma, quote or line end would be read as such. */
const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

/** A row for each class, a column for each prediction, and the class's accuracy; empty where there is none. */
export function confusionCsv({ classNames, counts, perClass }: Confusion): string {
  const head = ['label', ...classNames, 'accuracy'].map(csvCell);
  const rows = counts.map((row, i) => [
    csvCell(classNames[i]),
    ...row.map(String),
    Number.isNaN(perClass[i]) ? '' : `${perClass[i]}`,
  ]);
  return [head, ...rows].map((cells) => `${cells.join(',')}\n`).join('');
}
