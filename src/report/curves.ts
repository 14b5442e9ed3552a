import * as Plot from '@observablehq/plot';
import type { EpochRecord, MetricsRecord, RecordedScores, StepRecord } from './record.js';
import { escape, LIGHT, picture, plotAt, textWidth, type Palette } from './svg.js';

export interface Run {
  readonly name: string;
  readonly records: readonly MetricsRecord[];
}

export interface CurvesOptions {
  readonly title?: string;
  /** Pixels; below 700 the panels stand one under the other. */
  readonly width?: number;
  readonly palette?: Palette;
}

/** x in epochs. */
interface Point {
  readonly x: number;
  readonly y: number;
}

interface Series {
  readonly label: string;
  readonly color: string;
  readonly points: readonly Point[];
  readonly dash?: string;
  /** Thin and pale: what lies between the epochs. */
  readonly faint?: true;
  /** A rule's course, not a measurement: no dots. */
  readonly smooth?: true;
}

/** More points than a picture has pixels say no more. */
const MOST_POINTS = 800;
/** Up to so many epochs each has a dot. */
const MOST_DOTS = 40;
const MARGIN = { left: 46, right: 14, bottom: 34, top: 8 };
const FONT_SIZE = 12;
const GAP = 24;

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

export const epochsOf = (records: readonly MetricsRecord[]): EpochRecord[] =>
  records.filter((record) => record.kind === 'epoch');
const stepsOf = (records: readonly MetricsRecord[]): StepRecord[] => records.filter((record) => record.kind === 'step');

/** The epoch of the best top-1 accuracy on the validation set, or null where none was measured. */
export function bestEpoch(records: readonly MetricsRecord[]): EpochRecord | null {
  const measured = epochsOf(records).filter(({ validation }) => Number.isFinite(validation?.top1));
  if (measured.length === 0) return null;
  return measured.reduce((a, b) => ((b.validation?.top1 ?? 0) > (a.validation?.top1 ?? 0) ? b : a));
}

/** Not finite is a gap. */
const finite = (y: number | undefined): number => (y !== undefined && Number.isFinite(y) ? y : NaN);

const byEpoch = (records: readonly MetricsRecord[], value: (epoch: EpochRecord) => number | undefined): Point[] =>
  epochsOf(records).map((record) => ({ x: record.epoch, y: finite(value(record)) }));

function byStep(records: readonly MetricsRecord[], value: (step: StepRecord) => number): Point[] {
  const steps = stepsOf(records);
  const every = Math.ceil(steps.length / MOST_POINTS);
  return steps
    .filter((_, i) => i % every === 0 || i === steps.length - 1)
    .map((record) => ({ x: record.epoch - 1 + record.step / Math.max(1, record.steps), y: finite(value(record)) }));
}

const isDrawn = ({ points }: Series): boolean => points.some(({ y }) => Number.isFinite(y));

/** One run: a color for what it was measured on, dashes for top-5. */
function ofOne({ records }: Run, palette: Palette): Panels {
  const best = bestEpoch(records);
  const hint = best === null ? '' : `, best ${percent(best.validation?.top1 ?? NaN)} in epoch ${best.epoch}`;
  const sets = [
    { name: 'train', of: ({ train }: EpochRecord): RecordedScores | undefined => train, color: palette.train },
    { name: 'validation', of: ({ validation }: EpochRecord) => validation, color: palette.validation },
    { name: 'averaged weights', of: ({ ema }: EpochRecord) => ema, color: palette.ema },
  ];
  const stepwise = (key: 'loss' | 'top1'): Series => ({
    label: 'train, within the epoch',
    color: palette.train,
    points: byStep(records, (step) => step[key]),
    faint: true,
  });
  const schedule = (key: 'lambda' | 'lr'): Series[] => [
    { label: '', color: palette.text, points: schedulePoints(records, key), smooth: true },
  ];
  return {
    loss: [
      stepwise('loss'),
      ...sets.map(({ name, of, color }) => ({
        label: name,
        color,
        points: byEpoch(records, (epoch) => of(epoch)?.loss),
      })),
    ],
    accuracy: [
      stepwise('top1'),
      ...sets.flatMap(({ name, of, color }) => [
        {
          label: `${name} top-1${name === 'validation' ? hint : ''}`,
          color,
          points: byEpoch(records, (epoch) => of(epoch)?.top1),
        },
        {
          label: `${name} top-5`,
          color,
          points: byEpoch(records, (epoch) => of(epoch)?.top5),
          dash: '2 3',
        },
      ]),
    ],
    lambda: schedule('lambda'),
    lr: schedule('lr'),
  };
}

/** Several: a color for each, dashes for what it was trained on; top-5 would be too much. */
function ofSeveral(runs: readonly Run[], palette: Palette): Panels {
  const colorOf = (i: number): string => palette.runs[i % palette.runs.length];
  const drawn = (key: 'loss' | 'top1'): Series[] =>
    runs.flatMap(({ name, records }, i) => {
      const best = key === 'top1' ? bestEpoch(records) : null;
      const hint = best === null ? '' : `, best ${percent(best.validation?.top1 ?? NaN)}`;
      const trained = byEpoch(records, ({ train }) => train[key]);
      const train = trained.length > 0 ? trained : byStep(records, (step) => step[key]);
      return [
        {
          label: `${name} validation${hint}`,
          color: colorOf(i),
          points: byEpoch(records, (e) => e.validation?.[key]),
        },
        { label: `${name} train`, color: colorOf(i), points: train, dash: '5 4' },
      ];
    });
  const schedule = (key: 'lambda' | 'lr'): Series[] =>
    runs.map(({ records }, i) => ({
      label: '',
      color: colorOf(i),
      points: schedulePoints(records, key),
      smooth: true,
    }));
  return { loss: drawn('loss'), accuracy: drawn('top1'), lambda: schedule('lambda'), lr: schedule('lr') };
}

/** Step by step where steps were recorded: λ and the learning rate move with every one. */
function schedulePoints(records: readonly MetricsRecord[], key: 'lambda' | 'lr'): Point[] {
  const steps = byStep(records, (step) => step[key]);
  return steps.length > 0 ? steps : byEpoch(records, (epoch) => epoch[key]);
}

type Panels = Readonly<Record<'loss' | 'accuracy' | 'lambda' | 'lr', readonly Series[]>>;

interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

interface PanelOptions {
  readonly title: string;
  readonly height: number;
  /** Of the tallest beside it: plots in a row stand at one height. */
  readonly legendHeight: number;
  readonly lastEpoch: number;
  readonly palette: Palette;
  readonly axis: Plot.ScaleOptions;
  readonly ticks: number | number[];
}

interface Drawn {
  readonly svg: string;
  readonly height: number;
}

/** Swatches and labels, as many a row as fit. */
function legend(series: readonly Series[], { x, y, width }: Frame): Drawn {
  const SWATCH = 26;
  const ROW = 18;
  const parts: string[] = [];
  let [column, row] = [0, 0];
  for (const { label, color, dash, faint } of series) {
    const most = Math.floor((width - SWATCH) / textWidth('x', FONT_SIZE));
    const text = label.length > most ? `${label.slice(0, most - 1)}…` : label;
    const takes = SWATCH + textWidth(text, FONT_SIZE) + 14;
    if (column > 0 && column + takes > width) [column, row] = [0, row + 1];
    const [left, middle] = [x + column, y + row * ROW + ROW / 2];
    const line = `stroke="${color}" stroke-width="${faint ? 1 : 2.5}"${faint ? ' stroke-opacity="0.5"' : ''}`;
    parts.push(
      `<path d="M${left},${middle}h20" ${line}${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/>`,
      `<text x="${left + SWATCH}" y="${middle + 4}" font-size="${FONT_SIZE}">${escape(text)}</text>`,
    );
    column += takes;
  }
  return { svg: parts.join('\n'), height: series.length === 0 ? 0 : (row + 1) * ROW };
}

const labeled = (series: readonly Series[]): Series[] => series.filter((one) => isDrawn(one) && one.label !== '');

function marksOf({ color, dash, faint, smooth, points }: Series): Plot.Markish[] {
  const line = Plot.lineY(points, {
    x: 'x',
    y: 'y',
    stroke: color,
    strokeWidth: faint ? 1 : 2,
    ...(faint ? { strokeOpacity: 0.45 } : {}),
    ...(dash === undefined ? {} : { strokeDasharray: dash }),
  });
  // Of a single point, and of one between gaps, a line shows nothing.
  const seen = points.filter(({ y }) => Number.isFinite(y));
  const dots = seen.length <= (faint || smooth ? 1 : MOST_DOTS) ? seen : [];
  return [line, Plot.dot(dots, { x: 'x', y: 'y', fill: color, r: dash === undefined ? 2.5 : 1.8 })];
}

function panel(all: readonly Series[], frame: Frame, options: PanelOptions): Drawn {
  const { title, height, lastEpoch, palette, axis, ticks } = options;
  const series = all.filter(isDrawn);
  const heading = `<text x="${frame.x}" y="${frame.y + 14}" font-size="14" font-weight="600">${escape(title)}</text>`;
  const keys = legend(labeled(all), { ...frame, y: frame.y + 22 });
  const top = frame.y + 24 + options.legendHeight;
  const total = top - frame.y + height;
  if (series.length === 0) {
    const empty = `<text x="${frame.x}" y="${top + 20}" font-size="${FONT_SIZE}" opacity="0.7">nothing recorded</text>`;
    return { svg: `${heading}\n${empty}`, height: total };
  }
  const whole = Array.from({ length: lastEpoch + 1 }, (_, i) => i);
  const every = Math.ceil(lastEpoch / Math.max(2, Math.floor((frame.width - 60) / 48)));
  const svg = plotAt(frame.x, top, {
    width: frame.width,
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
        whole.filter((epoch) => epoch % niceStep(every) === 0),
        { label: 'epoch', labelArrow: 'none', tickFormat: String, tickSize: 4 },
      ),
      Plot.axisY({ ticks, label: null, tickSize: 0, ...(axis.tickFormat ? { tickFormat: axis.tickFormat } : {}) }),
      ...series.flatMap(marksOf),
    ],
  });
  return { svg: `${heading}\n${keys.svg}\n${svg}`, height: total };
}

/** 1, 2, 5, 10, …: steps that people count in. */
function niceStep(atLeast: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (digit * power >= atLeast) return digit * power;
  }
}

function domainOf(series: readonly Series[]): [number, number] {
  const values = series.flatMap(({ points }) => points.map(({ y }) => y)).filter((y) => Number.isFinite(y));
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [values.reduce((a, b) => Math.min(a, b), 0), most > 0 ? most : 1];
}

/**
 * Loss, accuracy, λ and learning rate over the epochs, as a standalone SVG. Of one
 * run, colors tell what it was measured on and dashes top-5; of several, colors tell
 * the runs and dashes the training set.
 */
export function curvesSvg(runs: readonly Run[], options: CurvesOptions = {}): string {
  const { width = 960, palette = LIGHT } = options;
  const title = options.title ?? `Training of ${runs.map(({ name }) => name).join(', ')}`;
  const panels = runs.length === 1 ? ofOne(runs[0], palette) : ofSeveral(runs, palette);
  const lastEpoch = Math.max(1, ...runs.map(({ records }) => records.reduce((a, { epoch }) => Math.max(a, epoch), 0)));
  const [edge, wide] = [20, width >= 700];
  const each = wide ? (width - 2 * edge - GAP) / 2 : width - 2 * edge;
  const shared = { lastEpoch, palette };
  const accuracies = domainOf(panels.accuracy);
  const share: Plot.ScaleOptions = {
    // A network that knows a tenth must not be a line at the bottom.
    domain: [0, Math.min(1, accuracies[1] * 1.05)],
    tickFormat: (value: number) => `${Number((100 * value).toFixed(1))}%`,
  };
  const plain = (value: number): string => `${Number(value.toPrecision(3))}`;
  const specs: [keyof Panels, Omit<PanelOptions, 'lastEpoch' | 'palette' | 'legendHeight'>][] = [
    [
      'loss',
      { title: 'Loss (nats)', height: 280, ticks: 5, axis: { domain: domainOf(panels.loss), tickFormat: plain } },
    ],
    ['accuracy', { title: runs.length === 1 ? 'Accuracy' : 'Top-1 accuracy', height: 280, ticks: 5, axis: share }],
    ['lambda', { title: 'λ', height: 110, ticks: 2, axis: { domain: [0, 1], tickFormat: plain } }],
    [
      'lr',
      {
        title: 'Learning rate',
        height: 110,
        ticks: thirds(domainOf(panels.lr)),
        axis: { domain: domainOf(panels.lr), tickFormat: exponential },
      },
    ],
  ];
  const parts: string[] = [];
  let y = 16;
  // A page has a heading of its own.
  if (title !== '') {
    const most = Math.floor((width - 2 * edge) / textWidth('x', 18));
    const heading = title.length > most ? `${title.slice(0, most - 1)}…` : title;
    parts.push(`<text x="${edge}" y="${y + 18}" font-size="18" font-weight="700">${escape(heading)}</text>`);
    y += 40;
  }
  for (let i = 0; i < specs.length; i += wide ? 2 : 1) {
    const beside = specs.slice(i, i + (wide ? 2 : 1));
    const frameOf = (column: number): Frame => ({ x: edge + column * (each + GAP), y, width: each });
    const legendHeight = Math.max(
      ...beside.map(([name], column) => legend(labeled(panels[name]), frameOf(column)).height),
    );
    const row = beside.map(([name, spec], column) =>
      panel(panels[name], frameOf(column), { ...spec, ...shared, legendHeight }),
    );
    parts.push(...row.map(({ svg }) => svg));
    y += Math.max(...row.map(({ height }) => height)) + 14;
  }
  return picture({ width, height: Math.ceil(y), title: title === '' ? 'Curves' : title, palette }, parts);
}

/** Bottom, middle and top. */
const thirds = ([low, high]: readonly [number, number]): number[] => [low, (low + high) / 2, high];

/** 0.003 is 3e-3. */
const exponential = (value: number): string =>
  value === 0 ? '0' : Number(value.toPrecision(2)).toExponential().replace('e+0', '').replace('e+', 'e');
