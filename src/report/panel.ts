/** One panel of a picture: a heading, a legend and a plot of series. */
import * as Plot from '@observablehq/plot';
import { isDrawn, type Series } from './series.js';
import { escape, plotAt, textWidth, type Palette } from './svg.js';
import { truncate } from './truncate.js';

/** Up to this many epochs, each has a dot. */
const MAX_DOTS = 40;
const MARGIN = { left: 46, right: 14, bottom: 34, top: 8 };
const FONT_SIZE = 12;

/** The top left corner and the width of a panel, in pixels. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PanelOptions {
  readonly title: string;
  /** The height of the plot. */
  readonly height: number;
  /** The height of the tallest legend in the row, so that the plots of a row are aligned. */
  readonly legendHeight: number;
  readonly lastEpoch: number;
  readonly palette: Palette;
  readonly axis: Plot.ScaleOptions;
  readonly ticks: number | number[];
}

/** A part of an SVG, and the height that it takes. */
export interface Drawing {
  readonly svg: string;
  readonly height: number;
}

/** Colors and labels of the series, as many a row as fit. */
export function legend(all: readonly Series[], { x, y, width }: Frame): Drawing {
  const SWATCH = 26;
  const ROW = 18;
  const series = all.filter((each) => isDrawn(each) && each.label !== '');
  const parts: string[] = [];
  let [column, row] = [0, 0];
  for (const { label, color, dash, faint } of series) {
    const text = truncate(label, Math.floor((width - SWATCH) / textWidth('x', FONT_SIZE)));
    const entryWidth = SWATCH + textWidth(text, FONT_SIZE) + 14;
    if (column > 0 && column + entryWidth > width) [column, row] = [0, row + 1];
    const [left, middle] = [x + column, y + row * ROW + ROW / 2];
    const line = `stroke="${color}" stroke-width="${faint ? 1 : 2.5}"${faint ? ' stroke-opacity="0.5"' : ''}`;
    parts.push(
      `<path d="M${left},${middle}h20" ${line}${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/>`,
      `<text x="${left + SWATCH}" y="${middle + 4}" font-size="${FONT_SIZE}">${escape(text)}</text>`,
    );
    column += entryWidth;
  }
  return { svg: parts.join('\n'), height: series.length === 0 ? 0 : (row + 1) * ROW };
}

/** A line, and dots if there are few points. */
function marksOf({ color, dash, faint, smooth, points }: Series): Plot.Markish[] {
  const line = Plot.lineY(points, {
    x: 'x',
    y: 'y',
    stroke: color,
    strokeWidth: faint ? 1 : 2,
    ...(faint ? { strokeOpacity: 0.45 } : {}),
    ...(dash === undefined ? {} : { strokeDasharray: dash }),
  });
  // A line does not show a single point, nor one between gaps.
  const finite = points.filter(({ y }) => Number.isFinite(y));
  const dots = finite.length <= (faint || smooth ? 1 : MAX_DOTS) ? finite : [];
  return [line, Plot.dot(dots, { x: 'x', y: 'y', fill: color, r: dash === undefined ? 2.5 : 1.8 })];
}

/** The least of 1, 2, 5, 10, 20, … that is not below a value. */
function roundStep(atLeast: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (digit * power >= atLeast) return digit * power;
  }
}

function plot(series: readonly Series[], top: number, { x, width }: Frame, options: PanelOptions): string {
  const { height, lastEpoch, palette, axis, ticks } = options;
  const epochs = Array.from({ length: lastEpoch + 1 }, (_, i) => i);
  const every = roundStep(Math.ceil(lastEpoch / Math.max(2, Math.floor((width - 60) / 48))));
  return plotAt(x, top, {
    width,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    style: { fontSize: `${FONT_SIZE}px`, color: palette.text },
    x: { domain: [0, lastEpoch] },
    y: { ...axis },
    marks: [
      Plot.gridY({ ticks, stroke: palette.grid, strokeOpacity: 1 }),
      Plot.ruleY([0], { stroke: palette.grid }),
      Plot.axisX(
        epochs.filter((epoch) => epoch % every === 0),
        { label: 'epoch', labelArrow: 'none', tickFormat: String, tickSize: 4 },
      ),
      Plot.axisY({ ticks, label: null, tickSize: 0, ...(axis.tickFormat ? { tickFormat: axis.tickFormat } : {}) }),
      ...series.flatMap(marksOf),
    ],
  });
}

export function panel(all: readonly Series[], frame: Frame, options: PanelOptions): Drawing {
  const series = all.filter(isDrawn);
  const heading = `<text x="${frame.x}" y="${frame.y + 14}" font-size="14" font-weight="600">${escape(options.title)}</text>`;
  const keys = legend(all, { ...frame, y: frame.y + 22 });
  const top = frame.y + 24 + options.legendHeight;
  const height = top - frame.y + options.height;
  if (series.length === 0) {
    const empty = `<text x="${frame.x}" y="${top + 20}" font-size="${FONT_SIZE}" opacity="0.7">nothing recorded</text>`;
    return { svg: `${heading}\n${empty}`, height };
  }
  return { svg: `${heading}\n${keys.svg}\n${plot(series, top, frame, options)}`, height };
}
