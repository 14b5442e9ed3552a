import { DataError } from '../core/errors.js';
import { isRecord } from '../core/check.js';
import { readBytes } from '../io/readFile.js';

/** While an epoch runs: what was measured since it began. */
export interface StepRecord {
  readonly kind: 'step';
  /** From 1. */
  readonly epoch: number;
  /** Steps made in this epoch, and how many it has. */
  readonly step: number;
  readonly steps: number;
  /** Steps made since the run began. */
  readonly global_step: number;
  /** Loss in nats; NaN, which JSON writes as null, where training diverged. */
  readonly loss: number;
  /** In [0, 1], as all accuracies. */
  readonly top1: number;
  readonly lambda: number;
  readonly lr: number;
  readonly images_per_second: number;
}

/** Weighted by samples. */
export interface RecordedScores {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
}

/** When an epoch is over. */
export interface EpochRecord {
  readonly kind: 'epoch';
  readonly epoch: number;
  readonly global_step: number;
  readonly lambda: number;
  readonly lr: number;
  /** The loss that is made small: of smoothed and mixed targets, where the recipe smooths and mixes. */
  readonly train: RecordedScores;
  /** The loss is the plain cross-entropy, as `eval` has it. */
  readonly validation?: RecordedScores;
  /** Of the averaged weights, on the validation set. */
  readonly ema?: RecordedScores;
  readonly seconds: number;
  readonly images_per_second: number;
  /** Share of the time in which the network waited for images. */
  readonly idle: number;
  /** Whether what was evaluated was the fused form. */
  readonly fused: boolean;
}

export type MetricsRecord = StepRecord | EpochRecord;

type Fields = Record<string, unknown>;

/** Why a line cannot be used. */
class Damage extends Error {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${expected}, ${got}`);
  }
}

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function measure(fields: Fields, key: string): number {
  const value = fields[key];
  // JSON has no word for what is not finite.
  if (value === null) return NaN;
  if (typeof value !== 'number') throw new Damage(`a number or null as ${key}`, show(value));
  return value;
}

/** What must be there; what was measured may be NaN. */
function count(fields: Fields, key: string): number {
  const value = fields[key];
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new Damage(`an integer >= 0 as ${key}`, show(value));
  }
  return value as number;
}

function scores(value: unknown, key: string): RecordedScores {
  if (!isRecord(value)) throw new Damage(`an object as ${key}`, show(value));
  return { loss: measure(value, 'loss'), top1: measure(value, 'top1'), top5: measure(value, 'top5') };
}

function recordOf(line: string): MetricsRecord {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    throw new Damage('a JSON object', line.length > 40 ? `${line.slice(0, 40)}…` : line);
  }
  if (!isRecord(fields)) throw new Damage('a JSON object', show(fields));
  const { kind } = fields;
  if (kind !== 'step' && kind !== 'epoch') throw new Damage("kind 'step' or 'epoch'", show(kind));
  const [epoch, global_step] = [count(fields, 'epoch'), count(fields, 'global_step')];
  const shared = {
    lambda: measure(fields, 'lambda'),
    lr: measure(fields, 'lr'),
    images_per_second: measure(fields, 'images_per_second'),
  };
  if (kind === 'step') {
    const [step, steps] = [count(fields, 'step'), count(fields, 'steps')];
    return {
      kind,
      epoch,
      global_step,
      step,
      steps,
      ...shared,
      loss: measure(fields, 'loss'),
      top1: measure(fields, 'top1'),
    };
  }
  const { validation, ema, fused } = fields;
  return {
    ...{ kind, epoch, global_step },
    ...shared,
    ...{ seconds: measure(fields, 'seconds'), idle: measure(fields, 'idle') },
    train: scores(fields['train'], 'train'),
    ...(validation === undefined ? {} : { validation: scores(validation, 'validation') }),
    ...(ema === undefined ? {} : { ema: scores(ema, 'ema') }),
    fused: fused === true,
  };
}

/** Where a record stands in its run: an epoch follows its last step. */
const place = ({ kind, global_step }: MetricsRecord): number => 2 * global_step + (kind === 'epoch' ? 1 : 0);

/**
 * The records of a run, in order. A run that was taken up again from an older
 * checkpoint repeats itself: what it did the second time counts. A last line without
 * an end, as a killed process leaves it, is left out.
 *
 * @throws DataError naming file and line, or a file that cannot be read
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const lines = new TextDecoder().decode(await readBytes(path, DataError)).split('\n');
  const records: MetricsRecord[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    let record;
    try {
      record = recordOf(line);
    } catch (cause) {
      if (!(cause instanceof Damage)) throw cause;
      if (i === lines.length - 1) return;
      throw new DataError({ op: `${path}:${i + 1}`, expected: cause.expected, got: cause.got }, { cause });
    }
    while (records.length > 0 && place(records[records.length - 1]) >= place(record)) records.pop();
    records.push(record);
  });
  return records;
}
