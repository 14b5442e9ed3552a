/** The records of a run: `metrics.jsonl`, and the files that are derived from it. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ParamError } from '../core/errors.js';
import { appendWhole } from '../io/appendWhole.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { reasonOf } from '../io/reason.js';
import { parseMetrics, type InvalidLine, type MetricsRecord } from '../report/record.js';
import { resultsCsv } from '../report/resultsCsv.js';
import { recordEvent, versionEvent } from '../report/tensorboard.js';

export const METRICS = 'metrics.jsonl';
const REJECTED = 'metrics.rejected.jsonl';
const RESULTS = 'results.csv';

const EVENT_FILE = /^events\.out\.tfevents\.\d+\..*\.vanillanet$/;
/** TensorBoard reads the files of a folder in the order of their names, which begin with the time. */
const newEventFile = (): string =>
  `events.out.tfevents.${`${Math.floor(Date.now() / 1000)}`.padStart(10, '0')}.${hostname()}.${process.pid}.vanillanet`;

const now = (): number => Date.now() / 1000;
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** The position of a checkpoint, and the lines that `metrics.jsonl` lacked when it was written. */
export interface RecordsEnd {
  readonly globalStep: number;
  /** Epochs done. */
  readonly epoch: number;
  readonly unrecorded?: readonly string[];
}

/**
 * Whether a record belongs to a run that continues from a checkpoint. That may have been written before or after the
 * evaluation that follows the last step of an epoch: the step alone does not tell.
 */
const isBefore = (record: MetricsRecord, { globalStep, epoch }: RecordsEnd): boolean =>
  record.kind === 'epoch' ? record.epoch <= epoch : record.global_step <= globalStep;

/** A derived file: can be written again from the records at any time, so that a run does not end if that fails. */
type Derived = 'results.csv' | 'TensorBoard' | 'curves';

export class RunRecords {
  /** In order. */
  readonly all: MetricsRecord[] = [];
  /** Their lines in `metrics.jsonl`. */
  readonly #lines: string[] = [];
  /** Lines that could not be written to `metrics.jsonl`. */
  readonly #unrecorded: string[] = [];
  readonly #failures = new Map<Derived, Error>();
  /** The event file of this process; null without TensorBoard, or until it is written. */
  #eventFile: string | null = null;

  /** @param tensorboard whether to write event files */
  constructor(
    private readonly folder: string,
    private readonly tensorboard: boolean,
  ) {}

  /** See `RecordsEnd`. */
  get unrecorded(): readonly string[] {
    return this.#unrecorded;
  }

  /** Why derived files are not up to date. */
  get failures(): readonly Error[] {
    return [...this.#failures.values()];
  }

  /**
   * Keeps the records of a checkpoint and of the steps before it; the rest will be recorded again. Lines that are not
   * records are moved to `metrics.rejected.jsonl`.
   *
   * @returns those lines
   * @throws ParamError if the file cannot be read or written
   */
  async restore(end: RecordsEnd): Promise<readonly InvalidLine[]> {
    const { lines, invalid } = parseMetrics(await readText(join(this.folder, METRICS)));
    const whole = parseMetrics(textOf([...lines, ...(end.unrecorded ?? [])]));
    whole.records.forEach((record, i) => {
      if (isBefore(record, end)) this.#add(record, whole.lines[i]);
    });
    if (invalid.length > 0) await appendWhole(join(this.folder, REJECTED), textOf(invalid.map(({ text }) => text)));
    await this.rewrite();
    return invalid;
  }

  /** Writes all records again. @throws ParamError */
  async rewrite(): Promise<void> {
    await atomicWrite(join(this.folder, METRICS), textOf(this.#lines));
    this.#unrecorded.length = 0;
  }

  /**
   * Appends a record, with the time, to `metrics.jsonl` and to the event file.
   *
   * @throws ParamError if `metrics.jsonl` cannot be written; `unrecorded` then has the line
   */
  async append(record: MetricsRecord): Promise<void> {
    const timed = { ...record, time: now() };
    const line = JSON.stringify(timed);
    this.#add(timed, line);
    try {
      await appendWhole(join(this.folder, METRICS), textOf([line]));
    } catch (error) {
      this.#unrecorded.push(line);
      throw error;
    }
    if (this.tensorboard) await this.#attempt('TensorBoard', () => this.#appendEvent(timed));
  }

  /** Writes the derived files; see `failures`. @param drawCurves writes the pictures; null to leave them out */
  async derive(drawCurves: ((records: readonly MetricsRecord[]) => Promise<void>) | null): Promise<void> {
    await this.#attempt('results.csv', () => atomicWrite(join(this.folder, RESULTS), resultsCsv(this.all)));
    if (this.tensorboard && this.#eventFile === null) await this.#attempt('TensorBoard', () => this.#rewriteEvents());
    if (drawCurves !== null) await this.#attempt('curves', () => drawCurves(this.all));
  }

  #add(record: MetricsRecord, line: string): void {
    this.all.push(record);
    this.#lines.push(line);
  }

  async #attempt(file: Derived, write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.#failures.delete(file);
    } catch (error) {
      this.#failures.set(file, error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #appendEvent(record: MetricsRecord): Promise<void> {
    if (this.#eventFile === null) {
      await this.#rewriteEvents();
      return;
    }
    const path = this.#eventFile;
    // If this fails, the next attempt writes a new file.
    this.#eventFile = null;
    await appendWhole(path, recordEvent(record));
    this.#eventFile = path;
  }

  /**
   * Writes an event file with all records, in place of those of earlier processes: a reader must not find a step twice.
   * A new name, because a TensorBoard that is open would not read a file again.
   */
  async #rewriteEvents(): Promise<void> {
    const path = join(this.folder, newEventFile());
    const old = (await readdir(this.folder).catch((): string[] => [])).filter((name) => EVENT_FILE.test(name));
    for (const name of old) await removeFile(join(this.folder, name));
    await atomicWrite(path, Buffer.concat([versionEvent(now()), ...this.all.map(recordEvent)]));
    this.#eventFile = path;
  }
}

/** The text of a file; empty if it does not exist. @throws ParamError */
async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readFile(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new ParamError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
}

async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw new ParamError({ op: path, expected: 'a file to remove', got: reasonOf(cause) }, { cause });
  });
}
