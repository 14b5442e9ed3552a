/** The records of a run: `metrics.jsonl`, and the files that are derived from it. */
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { extname, join } from 'node:path';
import { ParamError } from '../core/errors.js';
import { appendWhole } from '../io/appendWhole.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { reasonOf } from '../io/reason.js';
import { parseMetrics, type InvalidLine, type MetricsRecord } from '../report/record.js';
import { resultsCsv } from '../report/resultsCsv.js';
import { recordEvent, versionEvent } from '../report/tensorboard.js';
import type { Best } from './checkpointFile.js';

export const METRICS = 'metrics.jsonl';
const REJECTED = 'metrics.rejected.jsonl';
const RESULTS = 'results.csv';
/** Files that are written again from all records. */
const DERIVED_FILES = [RESULTS, 'curves.svg', 'curves.html'];

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
  /** The best epoch so far, whose record has the same accuracy. */
  readonly best?: Best | null;
}

/** Records that are missing at a resume, and the files that are kept because they cannot be derived again. */
export interface LostRecords {
  /** Epochs without a record. */
  readonly epochs: readonly number[];
  /** New names of files in the folder, by their old ones. */
  readonly files: ReadonlyMap<string, string>;
}

/** Whether records are those of another run: the best epoch has another accuracy than in the checkpoint. */
function isForeign(records: readonly MetricsRecord[], best: Best | null | undefined): boolean {
  if (best === null || best === undefined || best.top1 === null) return false;
  const record = records.find((each) => each.kind === 'epoch' && each.epoch === best.epoch);
  return record?.kind === 'epoch' && ![record.validation?.top1, record.ema?.top1].includes(best.top1);
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
  #lost: LostRecords | null = null;
  /** `metrics.jsonl` after the last write; null before the first. */
  #written: { readonly ino: number; readonly size: number } | null = null;

  /** @param tensorboard whether to write event files */
  constructor(
    private readonly folder: string,
    private readonly tensorboard: boolean,
  ) {}

  /** See `RecordsEnd`. */
  get unrecorded(): readonly string[] {
    return this.#unrecorded;
  }

  /** What a resumed run lacks; null if it has all records. */
  get lost(): LostRecords | null {
    return this.#lost;
  }

  /** Why derived files are not up to date. */
  get failures(): readonly Error[] {
    return [...this.#failures.values()];
  }

  /**
   * Keeps the records of a checkpoint and of the steps before it; the rest will be recorded again. Lines that are not
   * records are moved to `metrics.rejected.jsonl`. If records of epochs are missing, the files that were derived from them
   * get other names, and so do metrics of another run: see `lost`.
   *
   * @returns those lines
   * @throws ParamError if the file cannot be read or written
   */
  async restore(end: RecordsEnd): Promise<readonly InvalidLine[]> {
    const { lines, invalid } = parseMetrics(await readText(join(this.folder, METRICS)));
    const whole = parseMetrics(textOf([...lines, ...(end.unrecorded ?? [])]));
    const foreign = isForeign(whole.records, end.best);
    whole.records.forEach((record, i) => {
      if (!foreign && isBefore(record, end)) this.#add(record, whole.lines[i]);
    });
    await this.#keepOthers(end.epoch, foreign ? [METRICS] : []);
    if (invalid.length > 0) await appendWhole(join(this.folder, REJECTED), textOf(invalid.map(({ text }) => text)));
    await this.rewrite();
    return invalid;
  }

  /** Gives other names to files that have more than the records. @param others further files to keep */
  async #keepOthers(epochs: number, others: readonly string[]): Promise<void> {
    const recorded = new Set(this.all.map(({ kind, epoch }) => (kind === 'epoch' ? epoch : 0)));
    const missing = Array.from({ length: epochs }, (_, i) => i + 1).filter((epoch) => !recorded.has(epoch));
    if (missing.length === 0) return;
    const names = await readdir(this.folder);
    const kept = [...others, ...DERIVED_FILES].filter((name) => names.includes(name));
    const files = new Map(kept.map((name) => [name, freeName(name, names)]));
    for (const [name, other] of files) await renameFile(join(this.folder, name), join(this.folder, other));
    this.#lost = { epochs: missing, files };
  }

  /** Writes all records again. @throws ParamError */
  async rewrite(): Promise<void> {
    await atomicWrite(join(this.folder, METRICS), textOf(this.#lines));
    this.#unrecorded.length = 0;
    await this.#remember();
  }

  /**
   * Appends a record, with the time, to `metrics.jsonl` and to the event file.
   *
   * @param requireFiles rejects if the folder is not that of the run any more
   * @throws ParamError if `metrics.jsonl` cannot be written; `unrecorded` then has the line
   */
  async append(record: MetricsRecord, requireFiles: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const timed = { ...record, time: now() };
    const line = JSON.stringify(timed);
    this.#add(timed, line);
    try {
      await requireFiles();
      await appendWhole(join(this.folder, METRICS), textOf([line]));
    } catch (error) {
      this.#unrecorded.push(line);
      throw error;
    }
    await this.#remember();
    if (this.tensorboard) await this.#attempt('TensorBoard', () => this.#appendEvent(timed));
  }

  /** Writes the derived files; see `failures`. @param drawCurves writes the pictures; null to leave them out */
  async derive(drawCurves: ((records: readonly MetricsRecord[]) => Promise<void>) | null): Promise<void> {
    await this.#attempt('results.csv', () => atomicWrite(join(this.folder, RESULTS), resultsCsv(this.all)));
    if (this.tensorboard && this.#eventFile === null) await this.#attempt('TensorBoard', () => this.#rewriteEvents());
    if (drawCurves !== null) await this.#attempt('curves', () => drawCurves(this.all));
  }

  /** What has become of `metrics.jsonl` since the last write: it may be removed, shorter, or another file. */
  async inspect(): Promise<{ readonly isLost: boolean; readonly isOther: boolean }> {
    try {
      const { ino, size } = await stat(join(this.folder, METRICS));
      return { isLost: size < (this.#written?.size ?? 0), isOther: ino !== this.#written?.ino };
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      return { isLost: isMissing && this.#written !== null, isOther: false };
    }
  }

  async #remember(): Promise<void> {
    this.#written = await stat(join(this.folder, METRICS)).catch(() => this.#written);
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
    // Files of earlier processes may have the records that are lost.
    for (const name of this.#lost === null ? old : []) await removeFile(join(this.folder, name));
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

/** `results.1.csv` for `results.csv`, or the next number that is free. */
function freeName(name: string, names: readonly string[]): string {
  const ending = extname(name);
  for (let i = 1; ; i++) {
    const other = `${name.slice(0, -ending.length)}.${i}${ending}`;
    if (!names.includes(other)) return other;
  }
}

async function renameFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch((cause: unknown) => {
    throw new ParamError({ op: from, expected: 'a file to rename', got: reasonOf(cause) }, { cause });
  });
}

async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw new ParamError({ op: path, expected: 'a file to remove', got: reasonOf(cause) }, { cause });
  });
}
