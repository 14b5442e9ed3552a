import * as Plot from '@observablehq/plot';
import type { Verdict } from '../diff/comparison.js';
import { escape, picture, plotAt, textWidth, type Palette } from './svg.js';

interface Dot {
  readonly layer: string;
  readonly backend: number;
  readonly ratio: number;
}

const FONT_SIZE = 12;
const ROW = 20;
/** The range of the axis. Ratios outside it are drawn at its ends. */
const [LEAST, MOST] = [1e-4, 1e8];

/** The layers from top to bottom, and a dot of each layer and backend. */
interface Chart {
  readonly names: readonly string[];
  readonly dots: readonly Dot[];
  /** The ends of the axis. */
  readonly low: number;
  readonly high: number;
}

function chartOf(verdicts: readonly Verdict[]): Chart {
  const longest = [...verdicts].sort((a, b) => b.layers.length - a.layers.length)[0].layers;
  const names = [...new Set([...longest, ...verdicts.flatMap(({ layers }) => layers)].map(({ layer }) => layer))];
  const dots = verdicts.flatMap(({ layers }, backend) =>
    layers.map(({ layer, worst }) => ({ layer, backend, ratio: worst.ratio })),
  );
  const ratios = dots.map(({ ratio }) => ratio).filter((ratio) => ratio > 0 && ratio < Infinity);
  const high = Math.min(MOST, Math.max(10, ...ratios) * 2);
  const low = Math.max(LEAST, Math.min(0.01, ...ratios) / 2);
  return { names, dots, low, high };
}

/** A backend has one color, which is no red: red are the dots outside of their bounds. */
const colorOf = (palette: Palette, backend: number): string => palette.compared[backend % palette.compared.length];

const isOutside = ({ ratio }: Dot): boolean => !(ratio <= 1);

/** The color of each backend, and the mark of dots outside of their bounds. */
function legend(verdicts: readonly Verdict[], left: number, palette: Palette): string[] {
  const entries = verdicts.map(({ backend }, i) => {
    const y = 18 + i * ROW;
    return (
      `<circle cx="${left + 6}" cy="${y - 4}" r="4" fill="${colorOf(palette, i)}"/>` +
      `<text x="${left + 18}" y="${y}" font-size="${FONT_SIZE}">${escape(backend)}</text>`
    );
  });
  const y = 18 + verdicts.length * ROW;
  const cross = `<path d="M${left + 6},${y - 9}v10m-5,-5h10" stroke="${palette.bad}" stroke-width="3"/>`;
  const note = `<text x="${left + 18}" y="${y}" font-size="${FONT_SIZE}">outside its bound</text>`;
  return [...entries, cross + note];
}

/** The dots of one backend, beside those of the others, because most are nearly equal. */
function dotsOf({ dots, low, high }: Chart, backend: number, count: number, palette: Palette): Plot.Markish {
  return Plot.dot(
    dots.filter((dot) => dot.backend === backend),
    {
      x: ({ ratio }: Dot) => Math.min(high, Math.max(low, Number.isNaN(ratio) ? high : ratio)),
      y: 'layer',
      dy: (backend - (count - 1) / 2) * Math.min(5, 14 / count),
      r: (dot: Dot) => (isOutside(dot) ? 5 : 4),
      fill: (dot: Dot) => (isOutside(dot) ? palette.bad : colorOf(palette, backend)),
      // A ratio of 0 is drawn at the end of the axis, which has no zero.
      fillOpacity: ({ ratio }: Dot) => (ratio === 0 ? 0.25 : 1),
      symbol: (dot: Dot) => (isOutside(dot) ? 'cross' : 'circle'),
    },
  );
}

const formatTick = (v: number): string => (v < 1e-3 || v > 1e3 ? v.toExponential().replace('e+', 'e') : `${v}`);

/** The powers of ten of the axis; every second one if there is little room. */
function ticksOf({ low, high }: Chart, width: number): number[] {
  const powers = Array.from({ length: 13 }, (_, i) => 10 ** (i - 4)).filter((v) => v >= low && v <= high);
  return width > 600 ? powers : powers.filter((_, i) => i % 2 === 0 || powers.length < 6);
}

/** error/bound of each layer, from top to bottom. A dot right of the line at 1 is outside its bound. */
export function ratioChart(
  verdicts: readonly Verdict[],
  { width, palette }: { readonly width: number; readonly palette: Palette },
): string {
  const chart = chartOf(verdicts);
  const { names, low, high } = chart;
  const left = Math.max(...names.map((name) => textWidth(name, FONT_SIZE))) + 16;
  const top = 10 + (verdicts.length + 1) * ROW;
  const height = names.length * ROW + 56;
  const ticks = ticksOf(chart, width);
  const plot = plotAt(0, top, {
    width,
    height,
    marginLeft: left,
    marginRight: 18,
    marginTop: 10,
    marginBottom: 40,
    style: { fontSize: `${FONT_SIZE}px`, color: palette.text },
    x: { type: 'log', domain: [low, high], clamp: true },
    y: { type: 'point', domain: names, padding: 0.5 },
    r: { type: 'identity' },
    color: { type: 'identity' },
    symbol: { type: 'identity' },
    marks: [
      Plot.gridX({ ticks, stroke: palette.grid, strokeOpacity: 1 }),
      Plot.gridY({ stroke: palette.grid, strokeOpacity: 0.6 }),
      Plot.ruleX([1], { stroke: palette.text, strokeWidth: 2, strokeDasharray: '4 3' }),
      Plot.axisX(ticks, {
        label: 'largest error / bound',
        labelAnchor: 'center',
        labelArrow: 'none',
        tickFormat: formatTick,
        tickSize: 4,
      }),
      Plot.axisY({ label: null, tickSize: 0 }),
      ...verdicts.map((_, i) => dotsOf(chart, i, verdicts.length, palette)),
    ],
  });
  return picture({ width, height: top + height, title: 'Largest error over bound, layer by layer', palette }, [
    ...legend(verdicts, left, palette),
    plot,
  ]);
}
