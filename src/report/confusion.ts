import * as Plot from '@observablehq/plot';
import { ParamError } from '../core/errors.js';
import { escape, LIGHT, picture, plotAt, textWidth } from './svg.js';

/** Which classes are taken for which. */
export interface Confusion {
  readonly classNames: readonly string[];
  /** counts[label][prediction] */
  readonly counts: readonly (readonly number[])[];
  /** Share of each class that was recognised; NaN for one of which there is no image. */
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
const MOST_COLUMNS = 20;
/** Confusions named where the matrix is not shown. */
const NAMED = 10;

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)}%`);

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

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
  const names = classNames.map((name, i) => `${i} ${shortened(name, 20)}`);
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  if (classNames.length <= MOST_COLUMNS) {
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
    `the ${worst.length} least recognised of ${classNames.length} classes`,
    aligned([['class', 'images', 'accuracy'], ...worst.map((i) => [names[i], `${totals[i]}`, percent(perClass[i])])]),
    '',
    'most frequent mistakes',
    aligned([
      ['is -> taken for', 'times'],
      ...mistakes(confusion).map(({ label, prediction, count }) => [
        `${shortened(label, 20)} -> ${shortened(prediction, 20)}`,
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

export interface ConfusionOptions {
  readonly title?: string;
}

/** A heat map as a standalone SVG: rows are what it is, columns what it was taken for, shares of each row as shades. */
export function confusionSvg(confusion: Confusion, { title = 'Confusion' }: ConfusionOptions = {}): string {
  const { classNames, counts, perClass, accuracy, total } = confusion;
  const n = classNames.length;
  // Numbers fit into cells of a few dozen classes only.
  const side = n <= MOST_COLUMNS ? 42 : n <= 50 ? 22 : Math.max(4, Math.floor(1100 / n));
  const named = side >= 12;
  const fontSize = side >= 20 ? 12 : 10;
  const names = classNames.map((name) => shortened(name, 22));
  const longest = named ? Math.max(...names.map((name) => textWidth(name, fontSize))) : 0;
  const [left, right, top] = [longest + 34, named ? 66 : 20, longest * 0.75 + 26];
  const [width, height] = [Math.ceil(Math.max(360, left + right + n * side)), Math.ceil(66 + top + n * side + 20)];
  const cells = counts.flatMap((row, label) => {
    const images = row.reduce((a, b) => a + b, 0);
    return row.map((count, prediction) => ({ label, prediction, count, share: images === 0 ? 0 : count / images }));
  });
  const text = (x: number, y: number, what: string, more = ''): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(what)}</text>`;
  const [x0, y0] = [left, 66 + top];
  const centre = (i: number): number => (i + 0.5) * side;
  const axes = named
    ? names.flatMap((name, i) => [
        text(x0 - 8, y0 + centre(i) + 4, name, `class="label" text-anchor="end" font-size="${fontSize}"`),
        text(x0 + n * side + 8, y0 + centre(i) + 4, percent(perClass[i]), `class="accuracy" font-size="${fontSize}"`),
        text(
          x0 + centre(i) + 4,
          y0 - 8,
          name,
          `class="prediction" font-size="${fontSize}" transform="rotate(-45 ${(x0 + centre(i) + 4).toFixed(1)} ${(y0 - 8).toFixed(1)})"`,
        ),
      ])
    : [];
  const middle = y0 + (n * side) / 2;
  const map = plotAt(x0, y0, {
    width: n * side,
    height: n * side,
    margin: 0,
    x: { axis: null, type: 'band', domain: classNames.map((_, i) => i), padding: 0 },
    y: { axis: null, type: 'band', domain: classNames.map((_, i) => i), padding: 0 },
    color: { type: 'linear', domain: [0, 1], range: ['#f3f6f8', '#004c5a'], interpolate: 'rgb' },
    marks: [
      Plot.cell(cells, { x: 'prediction', y: 'label', fill: 'share', inset: side >= 20 ? 0.5 : 0 }),
      ...(side >= 40
        ? [
            Plot.text(
              cells.filter(({ count }) => count > 0),
              {
                x: 'prediction',
                y: 'label',
                text: ({ count }: { count: number }) => `${count}`,
                fill: ({ share }: { share: number }) => (share > 0.45 ? '#ffffff' : LIGHT.text),
                fontSize: 12,
              },
            ),
          ]
        : []),
    ],
  });
  return picture({ width, height, title, palette: LIGHT }, [
    text(20, 34, shortened(title, Math.floor((width - 40) / textWidth('x', 18))), 'font-size="18" font-weight="700"'),
    text(20, 54, `top-1 ${percent(accuracy)} of ${total} images`, 'font-size="12"'),
    text(14, middle, 'is', `font-size="12" text-anchor="middle" transform="rotate(-90 14 ${middle.toFixed(1)})"`),
    text(x0 + (n * side) / 2, height - 6, 'taken for', 'font-size="12" text-anchor="middle"'),
    ...axes,
    map,
  ]);
}
