/** `results.csv`: the epochs of a run as a table of plain numbers, which spreadsheets and pandas read. */
import type { EpochRecord, MetricsRecord, RecordedScores } from './record.js';

type Column = readonly [name: string, value: (record: EpochRecord) => number];

const SCORES = ['loss', 'top1', 'top5'] as const;

const scoreColumns = (name: string, of: (record: EpochRecord) => RecordedScores | undefined): Column[] =>
  SCORES.map((key) => [`${name}/${key}`, (record) => of(record)?.[key] ?? NaN]);

/** Whether a run has scores of this kind: the same columns in each row. */
const has = (records: readonly EpochRecord[], key: 'validation' | 'ema'): boolean =>
  records.some((record) => record[key] !== undefined);

/**
 * A header and a row for each epoch. `time` is the seconds of training until the end of the epoch, without evaluations.
 * A number that JSON cannot write is `NaN`.
 */
export function resultsCsv(records: readonly MetricsRecord[]): string {
  const epochs = records.filter((record) => record.kind === 'epoch');
  let time = 0;
  const columns: Column[] = [
    ['epoch', ({ epoch }) => epoch],
    // Called once for each row, in order.
    ['time', ({ seconds }) => (time += seconds)],
    ...scoreColumns('train', ({ train }) => train),
    ...(has(epochs, 'validation') ? scoreColumns('val', ({ validation }) => validation) : []),
    ...(has(epochs, 'ema') ? scoreColumns('ema', ({ ema }) => ema) : []),
    ['lambda', ({ lambda }) => lambda],
    ['lr', ({ lr }) => lr],
    ['images_per_second', ({ images_per_second }) => images_per_second],
    ['idle', ({ idle }) => idle],
  ];
  const rows = [
    columns.map(([name]) => name),
    ...epochs.map((record) => columns.map(([, value]) => `${value(record)}`)),
  ];
  return rows.map((row) => `${row.join(',')}\n`).join('');
}
