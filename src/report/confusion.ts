import * as Plot from '@observablehq/plot';
import { escape, LIGHT, picture, plotAt, textWidth } from './svg.js';

/** How often images of a class were taken for each. */
export interface Confusion {
  readonly classNames: readonly string[];
  /** [truth][answer] */
  readonly counts: readonly (readonly number[])[];
}

/** @param labels and answers: an index into `classNames` for each image */
export function confusionOf(
  labels: ArrayLike<number>,
  answers: ArrayLike<number>,
  classNames: readonly string[],
): Confusion {
  const counts = classNames.map(() => new Array<number>(classNames.length).fill(0));
  for (let i = 0; i < labels.length; i++) counts[labels[i]][answers[i]]++;
  return { classNames, counts };
}

const total = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0);

/** Share of each class's images that were known; NaN where there was none. */
export const classAccuracy = ({ counts }: Confusion): number[] => counts.map((row, i) => row[i] / total(row));

/** Comma-separated: a row for each class, a column for each answer; quoted where a name needs it. */
export function confusionCsv({ classNames, counts }: Confusion): string {
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const lines = counts.map((row, i) => [quoted(classNames[i]), ...row].join(','));
  return `${[['truth', ...classNames.map(quoted)].join(','), ...lines].join('\n')}\n`;
}

/** A heat map: rows are what it was, columns what it was taken for. */
export function confusionSvg(confusion: Confusion, title = 'Confusion matrix'): string {
  const { classNames, counts } = confusion;
  const n = classNames.length;
  const cell = n <= 20 ? 44 : Math.max(6, Math.floor(880 / n));
  const label = Math.min(160, Math.max(...classNames.map((name) => textWidth(name, 12))) + 12);
  const [top, right] = [label + 50, 60];
  const [width, height] = [label + n * cell + right, top + n * cell + 20];
  const accuracy = classAccuracy(confusion);
  const cells = counts.flatMap((row, truth) =>
    row.map((count, answer) => ({ truth, answer, count, share: count / Math.max(1, total(row)) })),
  );
  const plot = plotAt(0, 40, {
    width,
    height: height - 40,
    marginLeft: label,
    marginTop: label + 10,
    marginRight: right,
    marginBottom: 20,
    style: { fontSize: '12px', color: LIGHT.text },
    x: {
      domain: classNames.map((_, i) => i),
      tickFormat: (i: number) => classNames[i],
      axis: 'top',
      tickRotate: -90,
      label: null,
      tickSize: 0,
    },
    y: { domain: classNames.map((_, i) => i), tickFormat: (i: number) => classNames[i], label: null, tickSize: 0 },
    color: { type: 'linear', domain: [0, 1], range: ['#ffffff', '#00566b'] },
    marks: [
      Plot.cell(cells, { x: 'answer', y: 'truth', fill: 'share', stroke: '#e5e9ec', strokeWidth: 1 }),
      ...(n <= 20
        ? [
            Plot.text(cells, {
              x: 'answer',
              y: 'truth',
              text: ({ count }: (typeof cells)[number]) => (count === 0 ? '' : `${count}`),
              fill: ({ share }: (typeof cells)[number]) => (share > 0.5 ? '#ffffff' : '#24292f'),
              fontSize: 12,
            }),
            Plot.text(accuracy, {
              x: () => n - 1,
              y: (_, i) => i,
              text: (share: number) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)}%` : '–'),
              dx: cell / 2 + 8,
              textAnchor: 'start',
              fontSize: 12,
            }),
          ]
        : []),
    ],
  });
  const heading = `<text x="12" y="26" font-size="16" font-weight="700">${escape(title)}</text>`;
  return picture({ width, height, title, palette: LIGHT }, [heading, plot]);
}
