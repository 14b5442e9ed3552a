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

/** error/bound of each layer, from top to bottom. A dot right of the line at 1 is outside its bound. */
export function ratioChart(
  verdicts: readonly Verdict[],
  { width, palette }: { readonly width: number; readonly palette: Palette },
): string {
  const longest = [...verdicts].sort((a, b) => b.layers.length - a.layers.length)[0].layers;
  const names = [...new Set([...longest, ...verdicts.flatMap(({ layers }) => layers)].map(({ layer }) => layer))];
  const dots: Dot[] = verdicts.flatMap(({ layers }, backend) =>
    layers.map(({ layer, worst }) => ({ layer, backend, ratio: worst.ratio })),
  );
  const ratios = dots.map(({ ratio }) => ratio).filter((ratio) => ratio > 0 && ratio < Infinity);
  const high = Math.min(MOST, Math.max(10, ...ratios) * 2);
  const low = Math.max(LEAST, Math.min(0.01, ...ratios) / 2);
  const colorOf = (backend: number): string => palette.runs[backend % palette.runs.length];
  const left = Math.max(...names.map((name) => textWidth(name, FONT_SIZE))) + 16;
  const legend = verdicts.map(({ backend }, i) => {
    const y = 18 + i * ROW;
    return (
      `<circle cx="${left + 6}" cy="${y - 4}" r="4" fill="${colorOf(i)}"/>` +
      `<text x="${left + 18}" y="${y}" font-size="${FONT_SIZE}">${escape(backend)}</text>`
    );
  });
  const top = 10 + verdicts.length * ROW;
  const height = names.length * ROW + 56;
  const powers = Array.from({ length: 13 }, (_, i) => 10 ** (i - 4)).filter((v) => v >= low && v <= high);
  const ticks = width > 600 ? powers : powers.filter((_, i) => i % 2 === 0 || powers.length < 6);
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
    marks: [
      Plot.gridX({ ticks, stroke: palette.grid, strokeOpacity: 1 }),
      Plot.gridY({ stroke: palette.grid, strokeOpacity: 0.6 }),
      Plot.ruleX([1], { stroke: palette.train, strokeWidth: 2 }),
      Plot.axisX(ticks, {
        label: 'largest error / bound',
        labelAnchor: 'center',
        labelArrow: 'none',
        tickFormat: (v: number) => (v < 1e-3 || v > 1e3 ? v.toExponential().replace('e+', 'e') : `${v}`),
        tickSize: 4,
      }),
      Plot.axisY({ label: null, tickSize: 0 }),
      ...verdicts.map((_, i) =>
        Plot.dot(
          dots.filter(({ backend }) => backend === i),
          {
            x: ({ ratio }: Dot) => Math.min(high, Math.max(low, ratio)),
            y: 'layer',
            // Next to each other, because most are nearly equal.
            dy: (i - (verdicts.length - 1) / 2) * Math.min(5, 14 / verdicts.length),
            r: 4,
            fill: colorOf(i),
            // A ratio of 0 is drawn at the end of the axis, which has no zero.
            fillOpacity: ({ ratio }: Dot) => (ratio === 0 ? 0.25 : 1),
            symbol: ({ ratio }: Dot) => (ratio > 1 ? 'cross' : 'circle'),
          },
        ),
      ),
    ],
    symbol: { type: 'identity' },
  });
  return picture({ width, height: top + height, title: 'Largest error over bound, layer by layer', palette }, [
    ...legend,
    plot,
  ]);
}
