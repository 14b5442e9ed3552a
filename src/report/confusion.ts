import { ParamError } from '../core/errors.js';
import { displayWidth, padLeft, padRight } from './displayWidth.js';
import { escapeControls } from '../core/escapeControls.js';
import { formatPercent } from './percent.js';
import { truncate } from './truncate.js';

/** A confusion matrix. */
export interface Confusion {
  readonly classNames: readonly string[];
  /** counts[label][prediction] */
  readonly counts: readonly (readonly number[])[];
  /** Accuracy of each class; NaN for a class without images. */
  readonly perClass: readonly number[];
  /** Top-1 accuracy of all images. */
  readonly accuracy: number;
  readonly total: number;
}

/**
 * Counts pairs of label and prediction.
 *
 * @throws ParamError for lists of different lengths, or a class without a name
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
  const correct = counts.map((row, c) => row[c]);
  const perClass = counts.map((row, c) => correct[c] / row.reduce((a, b) => a + b, 0));
  const accuracy = correct.reduce((a, b) => a + b, 0) / labels.length;
  return { classNames, counts, perClass, accuracy, total: labels.length };
}

/** The most columns of a table for a terminal. */
export const MAX_COLUMNS = 20;
/** Classes and mistakes listed instead of a larger matrix. */
const LISTED = 10;

/** A percentage; `-` for a class without images. */
export const formatShare = (share: number): string => (Number.isNaN(share) ? '-' : formatPercent(share));

/** Aligns the first column to the left and the others to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column]))));
  return rows
    .map((row) =>
      row
        .map((text, i) => (i === 0 ? padRight : padLeft)(text, widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A label, a wrong prediction, and how often it occurred. */
export interface Mistake {
  readonly label: string;
  readonly prediction: string;
  readonly count: number;
}

/** The most frequent mistakes, in descending order. */
export function mistakes({ counts, classNames }: Confusion, limit = LISTED): Mistake[] {
  // Most pairs of a thousand classes are none.
  const pairs = counts.flatMap((row, label) =>
    [...row.keys()]
      .filter((prediction) => prediction !== label && row[prediction] > 0)
      .map((prediction) => ({ label, prediction, count: row[prediction] })),
  );
  return pairs
    .sort((a, b) => b.count - a.count || a.label - b.label || a.prediction - b.prediction)
    .slice(0, limit)
    .map(({ label, prediction, count }) => ({
      label: classNames[label],
      prediction: classNames[prediction],
      count,
    }));
}

/** The longest name in a table, and columns of a list for other than one name. */
const [LONGEST_NAME, LIST_REST] = [20, 24];

/** The name of a class in one line, and not too long. */
const shortName = (name: string, columns = LONGEST_NAME): string => truncate(escapeControls(name), columns);

const widthOf = (text: string): number => Math.max(...text.split('\n').map(displayWidth));

/**
 * The matrix for a terminal, with columns by number; if it is too wide or has many classes, the worst classes and the most
 * frequent mistakes.
 *
 * @param columns the width of the terminal
 */
export function confusionTable(confusion: Confusion, columns = Infinity): string {
  const { classNames } = confusion;
  if (classNames.length > MAX_COLUMNS) return confusionLists(confusion, columns);
  const matrix = confusionMatrix(confusion);
  return widthOf(matrix) <= columns ? matrix : confusionLists(confusion, columns);
}

const confusionMatrix = ({ classNames, counts, perClass }: Confusion): string =>
  align([
    ['true \\ predicted', ...classNames.map((_, i) => `${i}`), 'accuracy'],
    ...counts.map((row, i) => [
      `${i} ${shortName(classNames[i])}`,
      ...row.map((count) => (count === 0 ? '.' : `${count}`)),
      formatShare(perClass[i]),
    ]),
  ]);

function confusionLists(confusion: Confusion, columns: number): string {
  const { classNames, counts, perClass } = confusion;
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const worst = [...perClass.keys()]
    .filter((i) => totals[i] > 0)
    .sort((a, b) => perClass[a] - perClass[b] || a - b)
    .slice(0, LISTED);
  const name = (text: string): string => shortName(text, Math.min(LONGEST_NAME, Math.max(8, columns - LIST_REST)));
  const half = (text: string): string =>
    shortName(text, Math.min(LONGEST_NAME, Math.max(6, Math.floor((columns - 11) / 2))));
  return [
    `the ${worst.length} classes of lowest accuracy, of ${classNames.length}`,
    align([
      ['class', 'images', 'accuracy'],
      ...worst.map((i) => [`${i} ${name(classNames[i])}`, `${totals[i]}`, formatShare(perClass[i])]),
    ]),
    '',
    'most frequent mistakes',
    align([
      ['true -> predicted', 'times'],
      ...mistakes(confusion).map(({ label, prediction, count }) => [
        `${half(label)} -> ${half(prediction)}`,
        `${count}`,
      ]),
    ]),
  ].join('\n');
}

/** Quotes a cell with a comma, a quote or a line end. */
export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

/** CSV with a row for each class, a column for each prediction, and the accuracy, which is empty for a class without images. */
export function confusionCsv({ classNames, counts, perClass }: Confusion): string {
  const head = ['label', ...classNames, 'accuracy'].map(csvCell);
  const rows = counts.map((row, i) => [
    csvCell(classNames[i]),
    ...row.map(String),
    Number.isNaN(perClass[i]) ? '' : `${perClass[i]}`,
  ]);
  return [head, ...rows].map((cells) => `${cells.join(',')}\n`).join('');
}
