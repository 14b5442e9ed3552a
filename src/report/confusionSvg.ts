import * as Plot from '@observablehq/plot';
import { formatShare, MAX_COLUMNS, type Confusion } from './confusion.js';
import { escapeControls } from '../core/escapeControls.js';
import { heading } from './heading.js';
import { escape, LIGHT, picture, plotAt, textWidth } from './svg.js';
import { truncate } from './truncate.js';

export interface ConfusionOptions {
  readonly title?: string;
}

/** Shades of a share from 0 to 1: teal for hits, on the diagonal, and orange for mistakes. */
const NOTHING = '#f3f6f8';
const [HIT, MISTAKE] = ['#004c5a', '#b33c00'];
/** Pixels beside the title, above it, and the height of the subtitle. */
const [EDGE, ABOVE, SUBTITLE] = [20, 16, 26];
/** The height below the matrix, for the name of the axis and the legend. */
const FOOT = 44;
const LEAST_WIDTH = 360;

/** A pair of classes. */
interface Cell {
  readonly label: number;
  readonly prediction: number;
  readonly count: number;
  /** Of the images of the label. */
  readonly share: number;
}

/** Sizes in pixels. */
interface Layout {
  readonly head: ReturnType<typeof heading>;
  /** Of a cell. */
  readonly side: number;
  readonly fontSize: number;
  /** The names of the classes; empty if cells are too small for them. */
  readonly names: readonly string[];
  /** The top left corner of the matrix, and its side. */
  readonly left: number;
  readonly top: number;
  readonly matrix: number;
  readonly width: number;
  readonly height: number;
}

function layoutOf({ classNames }: Confusion, title: string): Layout {
  const n = classNames.length;
  // Cells are large enough for numbers if there are few classes.
  const side = n <= MAX_COLUMNS ? 42 : n <= 50 ? 22 : Math.max(4, Math.floor(1100 / n));
  const fontSize = side >= 20 ? 12 : 10;
  const names = side >= 12 ? classNames.map((name) => truncate(escapeControls(name), 22)) : [];
  const longest = Math.max(0, ...names.map((name) => textWidth(name, fontSize)));
  const [left, right] = [longest + 34, names.length > 0 ? 66 : 20];
  const matrix = n * side;
  const width = Math.ceil(Math.max(LEAST_WIDTH, left + right + matrix, left + matrix + longest * 0.75 + EDGE));
  const head = heading(title, { x: EDGE, y: ABOVE, width: width - 2 * EDGE });
  const top = ABOVE + head.height + SUBTITLE + longest * 0.75 + 26;
  return { head, side, fontSize, names, left, top, matrix, width, height: Math.ceil(top + matrix + FOOT) };
}

const cellsOf = ({ counts }: Confusion): Cell[] =>
  counts.flatMap((row, label) => {
    const images = row.reduce((a, b) => a + b, 0);
    return row.map((count, prediction) => ({ label, prediction, count, share: images === 0 ? 0 : count / images }));
  });

const text = (x: number, y: number, what: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(what)}</text>`;

type Rgb = readonly [number, number, number];

function channelsOf(color: string): Rgb {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A color between that of nothing and that of all images, in the hue of hits or of mistakes. */
function shadeOf({ label, prediction, share }: Cell): Rgb {
  const [from, to] = [channelsOf(NOTHING), channelsOf(label === prediction ? HIT : MISTAKE)];
  const mix = (c: 0 | 1 | 2): number => Math.round(from[c] + share * (to[c] - from[c]));
  return [mix(0), mix(1), mix(2)];
}

/** Black or white, whichever has the larger contrast, which is at least 4.5:1; by the relative luminance of WCAG. */
function inkOn(shade: Rgb): string {
  const linear = shade.map((v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? '#000000' : '#ffffff';
}

/** The names of the classes at rows and columns, and the accuracy of each row. */
const classLabels = ({ perClass }: Confusion, { names, side, fontSize, left, top, matrix }: Layout): string[] =>
  names.flatMap((name, i) => {
    const center = (i + 0.5) * side;
    const turn = `transform="rotate(-45 ${(left + center + 4).toFixed(1)} ${(top - 8).toFixed(1)})"`;
    const size = `font-size="${fontSize}"`;
    return [
      text(left - 8, top + center + 4, name, `class="label" text-anchor="end" ${size}`),
      text(left + matrix + 8, top + center + 4, formatShare(perClass[i]), `class="accuracy" ${size}`),
      text(left + center + 4, top - 8, name, `class="prediction" ${size} ${turn}`),
    ];
  });

/** The cells, with their counts if they are large enough. */
function matrixOf(confusion: Confusion, { side, left, top, matrix }: Layout): string {
  const cells = cellsOf(confusion);
  const domain = confusion.classNames.map((_, i) => i);
  const numbers = Plot.text(
    cells.filter(({ count }) => count > 0),
    {
      x: 'prediction',
      y: 'label',
      text: ({ count }: Cell) => `${count}`,
      fill: (cell: Cell) => inkOn(shadeOf(cell)),
      fontSize: 12,
    },
  );
  return plotAt(left, top, {
    width: matrix,
    height: matrix,
    margin: 0,
    x: { axis: null, type: 'band', domain, padding: 0 },
    y: { axis: null, type: 'band', domain, padding: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.cell(cells, {
        x: 'prediction',
        y: 'label',
        fill: (cell: Cell) => `rgb(${shadeOf(cell).join(', ')})`,
        inset: side >= 20 ? 0.5 : 0,
      }),
      ...(side >= 40 ? [numbers] : []),
    ],
  });
}

/** The names of the axes, and what the two hues mean. */
function axisNames({ left, top, matrix, height }: Layout): string[] {
  const [middle, bottom] = [top + matrix / 2, height - FOOT];
  const key = (x: number, color: string, what: string): string =>
    `<rect x="${x}" y="${bottom + 24}" width="12" height="12" fill="${color}"/>` +
    text(x + 18, bottom + 34, what, 'class="key" font-size="12"');
  return [
    text(
      14,
      middle,
      'true',
      `class="axis" font-size="12" text-anchor="middle" transform="rotate(-90 14 ${middle.toFixed(1)})"`,
    ),
    text(left + matrix / 2, bottom + 16, 'predicted', 'class="axis" font-size="12" text-anchor="middle"'),
    key(20, HIT, 'right, on the diagonal'),
    key(190, MISTAKE, 'wrong'),
  ];
}

/**
 * The confusion matrix as a standalone SVG: rows are the true classes, columns the predicted ones, shades the shares of
 * each row; hits and mistakes have different hues.
 */
export function confusionSvg(confusion: Confusion, { title = 'Confusion' }: ConfusionOptions = {}): string {
  const layout = layoutOf(confusion, title);
  const { head, width, height } = layout;
  const summary = `top-1 ${formatShare(confusion.accuracy)} of ${confusion.total} images`;
  return picture({ width, height, title, palette: LIGHT }, [
    head.svg,
    text(EDGE, ABOVE + head.height + 14, summary, 'font-size="12"'),
    ...axisNames(layout),
    ...classLabels(confusion, layout),
    matrixOf(confusion, layout),
  ]);
}
