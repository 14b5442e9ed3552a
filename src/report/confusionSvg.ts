import * as Plot from '@observablehq/plot';
import { formatShare, MAX_COLUMNS, type Confusion } from './confusion.js';
import { escape, LIGHT, picture, plotAt, textWidth } from './svg.js';
import { truncate } from './truncate.js';

export interface ConfusionOptions {
  readonly title?: string;
}

/** The confusion matrix as a standalone SVG: rows are labels, columns predictions, and shades the shares of each row. */
export function confusionSvg(confusion: Confusion, { title = 'Confusion' }: ConfusionOptions = {}): string {
  const { classNames, counts, perClass, accuracy, total } = confusion;
  const n = classNames.length;
  // Cells are large enough for numbers if there are few classes.
  const side = n <= MAX_COLUMNS ? 42 : n <= 50 ? 22 : Math.max(4, Math.floor(1100 / n));
  const named = side >= 12;
  const fontSize = side >= 20 ? 12 : 10;
  const names = classNames.map((name) => truncate(name, 22));
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
  const center = (i: number): number => (i + 0.5) * side;
  const axes = named
    ? names.flatMap((name, i) => [
        text(x0 - 8, y0 + center(i) + 4, name, `class="label" text-anchor="end" font-size="${fontSize}"`),
        text(
          x0 + n * side + 8,
          y0 + center(i) + 4,
          formatShare(perClass[i]),
          `class="accuracy" font-size="${fontSize}"`,
        ),
        text(
          x0 + center(i) + 4,
          y0 - 8,
          name,
          `class="prediction" font-size="${fontSize}" transform="rotate(-45 ${(x0 + center(i) + 4).toFixed(1)} ${(y0 - 8).toFixed(1)})"`,
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
    text(20, 34, truncate(title, Math.floor((width - 40) / textWidth('x', 18))), 'font-size="18" font-weight="700"'),
    text(20, 54, `top-1 ${formatShare(accuracy)} of ${total} images`, 'font-size="12"'),
    text(14, middle, 'label', `font-size="12" text-anchor="middle" transform="rotate(-90 14 ${middle.toFixed(1)})"`),
    text(x0 + (n * side) / 2, height - 6, 'prediction', 'font-size="12" text-anchor="middle"'),
    ...axes,
    map,
  ]);
}
