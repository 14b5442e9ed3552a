import type * as Plot from '@observablehq/plot';
import { heading } from './heading.js';
import { legend, panel, type Frame, type PanelOptions } from './panel.js';
import { domainOf, panelsOfRun, panelsOfRuns, type Panels, type Run } from './series.js';
import { LIGHT, picture, type Palette } from './svg.js';

export interface CurvesOptions {
  readonly title?: string;
  /** Pixels. Below 700 the panels are in one column, else in two. */
  readonly width?: number;
  readonly palette?: Palette;
}

/** Pixels at the left and right edge, and between columns. */
const EDGE = 20;
const GAP = 24;

type Spec = readonly [name: keyof Panels, options: Pick<PanelOptions, 'title' | 'height' | 'ticks' | 'axis'>];

/** At the bottom, in the middle and at the top. */
const threeTicks = ([low, high]: readonly [number, number]): number[] => [low, (low + high) / 2, high];

/** Formats 0.003 as 3e-3. */
const formatExponential = (value: number): string =>
  value === 0 ? '0' : Number(value.toPrecision(2)).toExponential().replace('e+0', '').replace('e+', 'e');

const formatPlain = (value: number): string => `${Number(value.toPrecision(3))}`;

/** Titles, sizes and axes of the panels, in their order. */
function specsOf(panels: Panels, isOneRun: boolean): Spec[] {
  const accuracyAxis: Plot.ScaleOptions = {
    // Up to the largest value and not to 100%, so that a low accuracy is not a line at the bottom.
    domain: [0, Math.min(1, domainOf(panels.accuracy)[1] * 1.05)],
    tickFormat: (value: number) => `${Number((100 * value).toFixed(1))}%`,
  };
  const lossAxis = { domain: domainOf(panels.loss), tickFormat: formatPlain };
  const rates = domainOf(panels.lr);
  return [
    ['loss', { title: 'Loss (nats)', height: 280, ticks: 5, axis: lossAxis }],
    ['accuracy', { title: isOneRun ? 'Accuracy' : 'Top-1 accuracy', height: 280, ticks: 5, axis: accuracyAxis }],
    ['lambda', { title: 'λ', height: 110, ticks: 2, axis: { domain: [0, 1], tickFormat: formatPlain } }],
    [
      'lr',
      {
        title: 'Learning rate',
        height: 110,
        ticks: threeTicks(rates),
        axis: { domain: rates, tickFormat: formatExponential },
      },
    ],
  ];
}

const lastEpochOf = (runs: readonly Run[]): number =>
  Math.max(1, ...runs.map(({ records }) => records.reduce((last, { epoch }) => Math.max(last, epoch), 0)));

/**
 * Loss, accuracy, λ and learning rate over the epochs, as a standalone SVG. For one run, colors distinguish the data
 * sets, and dashes mark top-5. For several runs, colors distinguish the runs, and dashes mark the training set.
 */
export function curvesSvg(runs: readonly Run[], options: CurvesOptions = {}): string {
  const { width = 960, palette = LIGHT } = options;
  const title = options.title ?? `Training of ${runs.map(({ name }) => name).join(', ')}`;
  const panels = runs.length === 1 ? panelsOfRun(runs[0], palette) : panelsOfRuns(runs, palette);
  const specs = specsOf(panels, runs.length === 1);
  const columns = width >= 700 ? 2 : 1;
  const columnWidth = columns === 2 ? (width - 2 * EDGE - GAP) / 2 : width - 2 * EDGE;
  const shared = { lastEpoch: lastEpochOf(runs), palette };

  const parts: string[] = [];
  let y = 16;
  // Without a title, the picture is part of a page that has a heading.
  if (title !== '') {
    const { svg, height } = heading(title, { x: EDGE, y, width: width - 2 * EDGE });
    parts.push(svg);
    y += height + 16;
  }
  for (let i = 0; i < specs.length; i += columns) {
    const row = specs.slice(i, i + columns);
    const frameOf = (column: number): Frame => ({ x: EDGE + column * (columnWidth + GAP), y, width: columnWidth });
    const legendHeight = Math.max(...row.map(([name], column) => legend(panels[name], frameOf(column)).height));
    const drawings = row.map(([name, spec], column) =>
      panel(panels[name], frameOf(column), { ...spec, ...shared, legendHeight }),
    );
    parts.push(...drawings.map(({ svg }) => svg));
    y += Math.max(...drawings.map(({ height }) => height)) + 14;
  }
  return picture({ width, height: Math.ceil(y), title: title === '' ? 'Curves' : title, palette }, parts);
}
