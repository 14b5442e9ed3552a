/** The series of values that the curves of training runs show. */
import type { EpochRecord, MetricsRecord, RecordedScores, StepRecord } from './record.js';
import { formatPercent } from './percent.js';
import type { Palette } from './svg.js';

export interface Run {
  readonly name: string;
  readonly records: readonly MetricsRecord[];
}

/** x is in epochs. A y that is not finite is a gap. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  /** The text in the legend; without text, there is no entry. */
  readonly label: string;
  readonly color: string;
  readonly points: readonly Point[];
  readonly dash?: string;
  /** A thin, pale line: values within an epoch. */
  readonly faint?: true;
  /** A line without dots: a schedule, not a measurement. */
  readonly smooth?: true;
}

/** The series of each panel. */
export type Panels = Readonly<Record<'loss' | 'accuracy' | 'lambda' | 'lr', readonly Series[]>>;

/** The most points a series: a picture has no more pixels. */
const MAX_POINTS = 800;

export const epochRecords = (records: readonly MetricsRecord[]): EpochRecord[] =>
  records.filter((record) => record.kind === 'epoch');

const stepRecords = (records: readonly MetricsRecord[]): StepRecord[] =>
  records.filter((record) => record.kind === 'step');

/** The epoch with the best top-1 accuracy on the validation set, or null if none was measured. */
export function bestEpoch(records: readonly MetricsRecord[]): EpochRecord | null {
  const measured = epochRecords(records).filter(({ validation }) => Number.isFinite(validation?.top1));
  if (measured.length === 0) return null;
  return measured.reduce((a, b) => ((b.validation?.top1 ?? 0) > (a.validation?.top1 ?? 0) ? b : a));
}

/** Whether top-5 says something: of at most five classes, it is always 1. */
export const hasTop5 = (records: readonly MetricsRecord[]): boolean =>
  epochRecords(records).some(({ train, validation, ema }) =>
    [train, validation, ema].some((scores) => scores !== undefined && scores.top5 !== 1),
  );

const finiteOrNaN = (y: number | undefined): number => (y !== undefined && Number.isFinite(y) ? y : NaN);

const byEpoch = (records: readonly MetricsRecord[], value: (epoch: EpochRecord) => number | undefined): Point[] =>
  epochRecords(records).map((record) => ({ x: record.epoch, y: finiteOrNaN(value(record)) }));

function byStep(records: readonly MetricsRecord[], value: (step: StepRecord) => number): Point[] {
  const steps = stepRecords(records);
  const every = Math.ceil(steps.length / MAX_POINTS);
  return steps
    .filter((_, i) => i % every === 0 || i === steps.length - 1)
    .map((record) => ({
      x: record.epoch - 1 + record.step / Math.max(1, record.steps),
      y: finiteOrNaN(value(record)),
    }));
}

/** By step if steps were recorded, because λ and the learning rate change with every step. */
function schedulePoints(records: readonly MetricsRecord[], key: 'lambda' | 'lr'): Point[] {
  const steps = byStep(records, (step) => step[key]);
  return steps.length > 0 ? steps : byEpoch(records, (epoch) => epoch[key]);
}

/** The panels of one run: a color for each data set, dashes for top-5. */
export function panelsOfRun({ records }: Run, palette: Palette): Panels {
  const best = bestEpoch(records);
  const bestText = best === null ? '' : `, best ${formatPercent(best.validation?.top1 ?? NaN)} in epoch ${best.epoch}`;
  const sets = [
    { name: 'train', of: ({ train }: EpochRecord): RecordedScores | undefined => train, color: palette.train },
    { name: 'validation', of: ({ validation }: EpochRecord) => validation, color: palette.validation },
    { name: 'averaged weights', of: ({ ema }: EpochRecord) => ema, color: palette.ema },
  ];
  const withinEpochs = (key: 'loss' | 'top1'): Series => ({
    label: 'train, within the epoch',
    color: palette.train,
    points: byStep(records, (step) => step[`running_${key}`]),
    faint: true,
  });
  const losses = sets.map(({ name, of, color }): Series => {
    const points = byEpoch(records, (epoch) => of(epoch)?.loss);
    return { label: name, color, points };
  });
  const showsTop5 = hasTop5(records);
  const accuracies = sets.flatMap(({ name, of, color }): Series[] => {
    const top1 = byEpoch(records, (epoch) => of(epoch)?.top1);
    const top5 = byEpoch(records, (epoch) => of(epoch)?.top5);
    return [
      { label: `${name} top-1${name === 'validation' ? bestText : ''}`, color, points: top1 },
      ...(showsTop5 ? [{ label: `${name} top-5`, color, points: top5, dash: '2 3' }] : []),
    ];
  });
  const schedule = (key: 'lambda' | 'lr'): Series[] => [
    { label: '', color: palette.text, points: schedulePoints(records, key), smooth: true },
  ];
  return {
    loss: [withinEpochs('loss'), ...losses],
    accuracy: [withinEpochs('top1'), ...accuracies],
    lambda: schedule('lambda'),
    lr: schedule('lr'),
  };
}

/** The panels of several runs: a color for each run, dashes for the training set, no top-5. */
export function panelsOfRuns(runs: readonly Run[], palette: Palette): Panels {
  const colorOf = (i: number): string => palette.runs[i % palette.runs.length];
  const measured = (key: 'loss' | 'top1'): Series[] =>
    runs.flatMap(({ name, records }, i): Series[] => {
      const best = key === 'top1' ? bestEpoch(records) : null;
      const bestText = best === null ? '' : `, best ${formatPercent(best.validation?.top1 ?? NaN)}`;
      const validation = byEpoch(records, (epoch) => epoch.validation?.[key]);
      const epochs = byEpoch(records, ({ train }) => train[key]);
      const train = epochs.length > 0 ? epochs : byStep(records, (step) => step[`running_${key}`]);
      return [
        { label: `${name} validation${bestText}`, color: colorOf(i), points: validation },
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
  return { loss: measured('loss'), accuracy: measured('top1'), lambda: schedule('lambda'), lr: schedule('lr') };
}

export const isDrawn = ({ points }: Series): boolean => points.some(({ y }) => Number.isFinite(y));

/** The range of the values, with 0. */
export function domainOf(series: readonly Series[]): [number, number] {
  const values = series.flatMap(({ points }) => points.map(({ y }) => y)).filter((y) => Number.isFinite(y));
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [values.reduce((a, b) => Math.min(a, b), 0), most > 0 ? most : 1];
}
