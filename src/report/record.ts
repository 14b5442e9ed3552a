import { DataError } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import { isInteger, isRecord, showField } from '../core/check.js';
import { readBytes } from '../io/readFile.js';
import { escapeControls } from '../core/escapeControls.js';

/** What a file of records adds to each. */
interface Recorded {
  /** When it was recorded, in seconds since 1970; absent in files of earlier versions. */
  readonly time?: number;
}

/** Measurements of a step. */
export interface StepRecord extends Recorded {
  readonly kind: 'step';
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps done in this epoch, and steps an epoch. */
  readonly step: number;
  readonly steps: number;
  /** Steps done since the start of the run. */
  readonly global_step: number;
  /** Mean loss of the step's batch in nats, before the step. */
  readonly loss: number;
  /** Top-1 accuracy of the step's batch, in [0, 1]. */
  readonly top1: number;
  /** Mean loss of the epoch's batches so far. */
  readonly running_loss: number;
  /** Top-1 accuracy over the epoch's batches so far. */
  readonly running_top1: number;
  /** λ and learning rate of the step. */
  readonly lambda: number;
  readonly lr: number;
  readonly images_per_second: number;
}

/** Averages over the samples. */
export interface RecordedScores {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
}

/** Measurements of an epoch. */
export interface EpochRecord extends Recorded {
  readonly kind: 'epoch';
  readonly epoch: number;
  readonly global_step: number;
  /** λ and learning rate of its last step. The network is evaluated at this λ. */
  readonly lambda: number;
  readonly lr: number;
  /** The loss of training, with smoothed and mixed targets if the recipe has them. */
  readonly train: RecordedScores;
  /** The loss is the plain cross-entropy, as in `eval`. */
  readonly validation?: RecordedScores;
  /** Scores of the averaged weights on the validation set. */
  readonly ema?: RecordedScores;
  readonly seconds: number;
  readonly images_per_second: number;
  /** Share of the time that the network waited for images. */
  readonly idle: number;
  /** Whether the fused form was evaluated. */
  readonly fused: boolean;
}

export type MetricsRecord = StepRecord | EpochRecord;

type Fields = Record<string, unknown>;

/** Thrown for a line that is not a valid record. */
class InvalidRecord extends Error {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${expected}, ${got}`);
  }
}

/** Characters of a line that an error quotes. */
const QUOTED = 40;
const shorten = (text: string): string => escapeControls(text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text);

/** A measured number. JSON writes NaN and infinity as null. */
function measurement(fields: Fields, key: string): number {
  const value = fields[key];
  if (value === null) return NaN;
  if (typeof value !== 'number') throw new InvalidRecord(`a number or null as ${key}`, showField(value));
  return value;
}

/** An integer >= 1: epochs and steps that are done. */
function count(fields: Fields, key: string): number {
  const value = fields[key];
  if (!isInteger(value, { min: 1 })) throw new InvalidRecord(`an integer >= 1 as ${key}`, showField(value));
  return value;
}

function scores(value: unknown, key: string): RecordedScores {
  if (!isRecord(value)) throw new InvalidRecord(`an object as ${key}`, showField(value));
  return { loss: measurement(value, 'loss'), top1: measurement(value, 'top1'), top5: measurement(value, 'top5') };
}

function parseObject(line: string): Fields {
  let value: unknown;
  try {
    value = parseJson(line, { op: 'metrics' });
  } catch {
    throw new InvalidRecord('a JSON object', shorten(line));
  }
  if (!isRecord(value)) throw new InvalidRecord('a JSON object', showField(value));
  return value;
}

/** The fields that steps and epochs share. */
const sharedFields = (fields: Fields) => ({
  ...(fields['time'] === undefined ? {} : { time: measurement(fields, 'time') }),
  epoch: count(fields, 'epoch'),
  global_step: count(fields, 'global_step'),
  lambda: measurement(fields, 'lambda'),
  lr: measurement(fields, 'lr'),
  images_per_second: measurement(fields, 'images_per_second'),
});

/** Earlier versions recorded the running means only, as `loss` and `top1`. */
const stepRecord = (fields: Fields): StepRecord => ({
  kind: 'step',
  ...sharedFields(fields),
  step: count(fields, 'step'),
  steps: count(fields, 'steps'),
  loss: measurement(fields, 'loss'),
  top1: measurement(fields, 'top1'),
  running_loss: measurement(fields, 'running_loss' in fields ? 'running_loss' : 'loss'),
  running_top1: measurement(fields, 'running_top1' in fields ? 'running_top1' : 'top1'),
});

function epochRecord(fields: Fields): EpochRecord {
  const { train, validation, ema, fused } = fields;
  return {
    kind: 'epoch',
    ...sharedFields(fields),
    seconds: measurement(fields, 'seconds'),
    idle: measurement(fields, 'idle'),
    train: scores(train, 'train'),
    ...(validation === undefined ? {} : { validation: scores(validation, 'validation') }),
    ...(ema === undefined ? {} : { ema: scores(ema, 'ema') }),
    fused: fused === true,
  };
}

function parseRecord(line: string): MetricsRecord {
  const fields = parseObject(line);
  if (fields['kind'] === 'step') return stepRecord(fields);
  if (fields['kind'] === 'epoch') return epochRecord(fields);
  throw new InvalidRecord("kind 'step' or 'epoch'", showField(fields['kind']));
}

/** The order of records in a run: an epoch follows its last step. */
const order = ({ kind, global_step }: MetricsRecord): number => 2 * global_step + (kind === 'epoch' ? 1 : 0);

/** A line that is not a valid record. */
export interface InvalidLine {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  readonly expected: string;
  readonly got: string;
}

export interface Metrics {
  /** In order. */
  readonly records: MetricsRecord[];
  /** The line of each record, which may have more fields. */
  readonly lines: string[];
  readonly invalid: InvalidLine[];
}

/**
 * Parses the records of a run. If a step or epoch occurs twice, the later record counts: a run that was resumed from an
 * older checkpoint repeats steps. An incomplete last line, as a killed process leaves it, is ignored.
 */
export function parseMetrics(text: string): Metrics {
  const valid = new Map<number, { readonly record: MetricsRecord; readonly line: string }>();
  const invalid: InvalidLine[] = [];
  const lines = text.split('\n');
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      const record = parseRecord(line);
      valid.set(order(record), { record, line: line.trimEnd() });
    } catch (cause) {
      if (!(cause instanceof InvalidRecord)) throw cause;
      const { expected, got } = cause;
      if (i < lines.length - 1) invalid.push({ line: i + 1, text: line, expected, got });
    }
  });
  const ordered = [...valid.values()].sort((a, b) => order(a.record) - order(b.record));
  return { records: ordered.map(({ record }) => record), lines: ordered.map(({ line }) => line), invalid };
}

/**
 * Reads the records of a run, as `parseMetrics` does.
 *
 * @throws DataError with the file and the first invalid line, or if the file cannot be read
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const { records, invalid } = parseMetrics(new TextDecoder().decode(await readBytes(path, DataError)));
  if (invalid.length === 0) return records;
  const [{ line, expected, got }] = invalid;
  const hint = 'Remove the line; `vanillanet train --resume` does so by itself.';
  throw new DataError({ op: `${path}:${line}`, expected, got, hint });
}
