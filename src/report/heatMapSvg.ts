import * as Plot from '@observablehq/plot';
import type { HeatMap } from '../diff/comparison.js';
import { picture, plotAt, type Palette } from './svg.js';

/** The most cells along a side: more would be too small to see. */
const MAX_CELLS = 128;

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly error: number;
}

/** Cells of one or more pixels, with the largest error of their pixels. */
function cellsOf({ errors, height, width }: HeatMap): { cells: Cell[]; rows: number; columns: number } {
  const each = Math.ceil(Math.max(height, width) / MAX_CELLS);
  const [rows, columns] = [Math.ceil(height / each), Math.ceil(width / each)];
  const largest = new Float64Array(rows * columns);
  errors.forEach((error, i) => {
    const cell = Math.floor(i / width / each) * columns + Math.floor((i % width) / each);
    // NaN counts as the largest error.
    largest[cell] = Math.max(largest[cell], Number.isNaN(error) ? Infinity : error);
  });
  const cells = Array.from(largest, (error, i) => ({ x: i % columns, y: Math.floor(i / columns), error }));
  return { cells, rows, columns };
}

/** |error| of each pixel as an opacity, from 0 to the largest error. */
export function heatMapSvg(
  map: HeatMap,
  { width, palette }: { readonly width: number; readonly palette: Palette },
): string {
  const { cells, rows, columns } = cellsOf(map);
  const most = cells.reduce((a, { error }) => (Number.isFinite(error) ? Math.max(a, error) : a), 0);
  const side = Math.max(1, Math.min(28, Math.floor(Math.min(width - 40, 520) / Math.max(columns, rows))));
  const [inner, tall] = [columns * side, rows * side];
  const shadeOf = (error: number): number => (most === 0 ? 0 : Number.isFinite(error) ? error / most : 1);
  const plot = plotAt(20, 10, {
    width: inner,
    height: tall,
    margin: 0,
    x: { axis: null, type: 'band', domain: Array.from({ length: columns }, (_, i) => i), padding: 0 },
    y: { axis: null, type: 'band', domain: Array.from({ length: rows }, (_, i) => i), padding: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.cell(cells, {
        x: 'x',
        y: 'y',
        fill: ({ error }: Cell) => (Number.isFinite(error) ? palette.validation : palette.train),
        fillOpacity: ({ error }: Cell) => shadeOf(error),
      }),
    ],
  });
  const title = `|error| of ${map.layer}, image ${map.image}, channel ${map.channel}`;
  const frame = `<rect x="19.5" y="9.5" width="${inner + 1}" height="${tall + 1}" fill="none" stroke="${palette.grid}"/>`;
  const scale = Array.from({ length: 40 }, (_, i) => {
    const at = `x="${20 + i * 4}" y="${tall + 22}" width="4" height="10"`;
    return `<rect ${at} fill="${palette.validation}" fill-opacity="${(i / 39).toFixed(3)}"/>`;
  });
  const labels = [
    `<text x="20" y="${tall + 46}" font-size="12">0</text>`,
    `<text x="180" y="${tall + 46}" font-size="12" text-anchor="end">${most.toPrecision(3)}</text>`,
  ];
  return picture({ width: Math.max(220, inner + 40), height: tall + 56, title, palette }, [
    plot,
    frame,
    ...scale,
    ...labels,
  ]);
}
