import { DataError } from '../core/errors.js';
import { isRecord } from '../core/check.js';
import { readBytes } from '../io/readFile.js';

/** Measurements of a step. */
export interface StepRecord {
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
export interface EpochRecord {
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

/** A line that is not a valid record. */
class InvalidRecord extends Error {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${expected}, ${got}`);
  }
}

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

/** A measured number. JSON writes NaN and infinity as null. */
function measurement(fields: Fields, key: string): number {
  const value = fields[key];
  if (value === null) return NaN;
  if (typeof value !== 'number') throw new InvalidRecord(`a number or null as ${key}`, show(value));
  return value;
}

/** An integer >= 0. */
function count(fields: Fields, key: string): number {
  const value = fields[key];
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new InvalidRecord(`an integer >= 0 as ${key}`, show(value));
  }
  return value as number;
}

function scores(value: unknown, key: string): RecordedScores {
  if (!isRecord(value)) throw new InvalidRecord(`an object as ${key}`, show(value));
  return { loss: measurement(value, 'loss'), top1: measurement(value, 'top1'), top5: measurement(value, 'top5') };
}

function parseObject(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new InvalidRecord('a JSON object', line.length > 40 ? `${line.slice(0, 40)}…` : line);
  }
  if (!isRecord(value)) throw new InvalidRecord('a JSON object', show(value));
  return value;
}

/** The fields that steps and epochs share. */
const sharedFields = (fields: Fields) => ({
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
  throw new InvalidRecord("kind 'step' or 'epoch'", show(fields['kind']));
}

/** The order of records in a run: an epoch follows its last step. */
const order = ({ kind, global_step }: MetricsRecord): number => 2 * global_step + (kind === 'epoch' ? 1 : 0);

/**
 * Reads the records of a run, in order. A run that was resumed from an older checkpoint has some steps twice: the
 * later records replace the earlier. An incomplete last line, as a killed process leaves it, is ignored.
 *
 * @throws DataError with the file and the line, or if the file cannot be read
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const lines = new TextDecoder().decode(await readBytes(path, DataError)).split('\n');
  const records: MetricsRecord[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    let record;
    try {
      record = parseRecord(line);
    } catch (cause) {
      if (!(cause instanceof InvalidRecord)) throw cause;
      if (i === lines.length - 1) return;
      throw new DataError({ op: `${path}:${i + 1}`, expected: cause.expected, got: cause.got }, { cause });
    }
    while (records.length > 0 && order(records[records.length - 1]) >= order(record)) records.pop();
    records.push(record);
  });
  return records;
}
