import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ParamError, type WeightsError } from '../core/errors.js';
import { parseJsonObject } from '../core/json.js';
import { describeFault } from '../core/jsonFault.js';
import { atomicWrite, removeLeftovers } from '../io/atomicWrite.js';
import { createFolder, removeFolders } from '../io/createFolder.js';
import { lock, type Lock } from '../io/lock.js';
import { readBytes } from '../io/readFile.js';
import { reasonOf } from '../io/reason.js';
import { writeWeights } from '../io/weightsFile.js';
import { parseMetrics, type InvalidLine, type MetricsRecord } from '../report/record.js';
import { listCheckpoints, readLastCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.js';
import { descriptionChanges } from './descriptionChanges.js';
import type { Origin } from './origin.js';
import type { NetworkWeights } from './progress.js';
import { METRICS, RunRecords, type LostRecords } from './runRecords.js';

const CONFIG = 'config.json';
const LOCK = 'lock';
const LAST = 'last';

const FOLDER = 'a folder for the run';

/** Files of weights in the folder. */
export type WeightsName = 'best' | 'best-fusable' | typeof LAST;

/** `1 to 3, 5` */
function ranges(numbers: readonly number[]): string {
  const starts = numbers.filter((n, i) => i === 0 || numbers[i - 1] !== n - 1);
  const ends = numbers.filter((n, i) => numbers[i + 1] !== n + 1);
  return starts.map((start, i) => (start === ends[i] ? `${start}` : `${start} to ${ends[i]}`)).join(', ');
}

/** What is missing, and where the rest of it is. */
function lossNote(metrics: string, { epochs, files }: LostRecords): string {
  const kept = [...files].map(([name, other]) => `${name} as ${other}`);
  const note = kept.length === 0 ? '' : `; kept ${kept.join(', ')}`;
  const what = `the records of epoch${epochs.length === 1 ? '' : 's'} ${ranges(epochs)}`;
  return `${metrics}: ${what} are missing, so that results and curves lack them${note}`;
}

const lockFolder = (path: string): Promise<Lock> => lock(join(path, LOCK), 'trains here');

/** @throws ParamError unless it is a folder */
async function requireFolder(path: string): Promise<void> {
  const hint = 'Start a new run: leave out --resume.';
  const stats = await stat(path).catch((cause: unknown) => {
    throw new ParamError({ op: path, expected: 'the folder of a run', got: reasonOf(cause), hint }, { cause });
  });
  if (!stats.isDirectory()) throw new ParamError({ op: path, expected: 'the folder of a run', got: 'a file', hint });
}

/** @throws ParamError for a folder that has a run */
async function refuseRun(path: string): Promise<void> {
  const checkpoints = await listCheckpoints(path);
  if (checkpoints.length === 0 && (await stat(join(path, METRICS)).catch(() => null)) === null) return;
  throw new ParamError({
    op: path,
    expected: 'a folder without a run',
    got: 'one with a run',
    hint: 'Resume it with --resume, or choose another folder with --output.',
  });
}

/** What has become of a run's folder. */
interface Loss {
  readonly got: string;
  /** Whether the folder has files of another run, which must not be overwritten. */
  readonly isTaken: boolean;
}

interface Description {
  /** Null if the file is missing or damaged. */
  readonly value: Readonly<Record<string, unknown>> | null;
  /** Why a file that exists cannot be read. */
  readonly error: ParamError | null;
}

async function readDescription(path: string): Promise<Description> {
  const file = join(path, CONFIG);
  if ((await stat(file).catch(() => null)) === null) return { value: null, error: null };
  try {
    return { value: parseJsonObject(await readBytes(file, ParamError), { op: file, describeFault }), error: null };
  } catch (error) {
    if (!(error instanceof ParamError)) throw error;
    return { value: null, error };
  }
}

/** The last epoch that the folder of a run without checkpoints was in; 0 if a run can begin there. */
async function lastEpoch(path: string): Promise<number> {
  const bytes = await readFile(join(path, METRICS)).catch(() => new Uint8Array());
  return parseMetrics(new TextDecoder().decode(bytes)).records.reduce((last, { epoch }) => Math.max(last, epoch), 0);
}

/**
 * Requires that a run without checkpoints has not come far: before its first checkpoint, a process may be killed in the
 * first epoch.
 *
 * @throws ParamError
 */
async function refuseLostCheckpoints(path: string): Promise<void> {
  const [epoch, last] = [await lastEpoch(path), await stat(join(path, `${LAST}.safetensors`)).catch(() => null)];
  if (epoch < 2 && last === null) return;
  throw new ParamError({
    op: path,
    expected: 'checkpoint-<step>.safetensors, to continue the run',
    got: `none, ${last === null ? `though epoch ${epoch} has begun` : 'in the folder of a finished run'}`,
    hint: 'Copy a checkpoint back, or start a new run in another folder with --output.',
  });
}

/**
 * The folder of a training run:
 *
 *     config.json                   recipe and network in the format of `--config`; data and backend under `run`
 *     metrics.jsonl                 one line for each epoch and for some of its steps
 *     results.csv                   one row for each epoch
 *     curves.svg, curves.html       updated after an epoch
 *     events.out.tfevents.*         the records for TensorBoard, with `tensorboard`
 *     checkpoint-<step>.safetensors the last two checkpoints
 *     best.safetensors              weights of the best epoch, which may have λ < 1
 *     best-fusable.safetensors      weights of the best epoch with λ = 1
 *     last.safetensors              weights at the end
 *     lock                          the process that trains in this folder
 */
export class RunFolder {
  #origin: Origin | null = null;
  #description: Readonly<Record<string, unknown>> = {};
  #records: RunRecords;
  readonly #warnings: string[] = [];

  private constructor(
    readonly path: string,
    /** The checkpoint to resume from; null for a new run, or if there is none yet. */
    readonly checkpoint: Checkpoint | null,
    /** `config.json` of a resumed run. */
    private readonly stored: Description,
    private readonly isResumed: boolean,
    /** Null until the folder is locked: the folder of a new run is created when the run begins. */
    private lock: Lock | null,
  ) {
    this.#records = new RunRecords(path, false);
  }

  /**
   * Opens the folder of a run. A new run's folder is not created yet; an existing run is locked.
   *
   * @param onDamage called with the error of each damaged checkpoint
   * @throws ParamError if the folder already has a run, has none to resume, or is locked by another process
   * @throws WeightsError if all checkpoints are damaged
   */
  static async open(
    path: string,
    { resume, onDamage }: { readonly resume: boolean; readonly onDamage: (error: WeightsError) => void },
  ): Promise<RunFolder> {
    if (!resume) {
      // Whether it can be created must be known before the data are read.
      await removeFolders(await createFolder(path, FOLDER));
      await refuseRun(path);
      return new RunFolder(path, null, { value: null, error: null }, false, null);
    }
    await requireFolder(path);
    // Before the checkpoint is read, so that no other process resumes from it.
    const unlock = await lockFolder(path);
    try {
      const checkpoint = await readLastCheckpoint(path, onDamage);
      if (checkpoint === null) await refuseLostCheckpoints(path);
      return new RunFolder(path, checkpoint, await readDescription(path), true, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** `config.json` of a resumed run; null if it is missing or damaged. */
  get description(): Readonly<Record<string, unknown>> | null {
    return this.stored.value;
  }

  /** Why `config.json` cannot be read; null if it can, or does not exist. */
  get descriptionError(): ParamError | null {
    return this.stored.error;
  }

  /** What is missing in the folder of a resumed run, and what was done about it, after `begin`. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Releases the lock. Must be called for every folder that was opened. */
  async close(): Promise<void> {
    await this.lock?.();
    this.lock = null;
  }

  /**
   * Creates and locks the folder, and writes `config.json`. A resumed run keeps the records up to its checkpoint.
   *
   * @param origin also stored in the checkpoints
   * @returns lines of `metrics.jsonl` that are not records; they are moved to `metrics.rejected.jsonl`
   * @throws ParamError if the folder cannot be created, is locked, or has a run by now
   */
  async begin(
    description: Readonly<Record<string, unknown>>,
    origin: Origin,
    { tensorboard = false }: { readonly tensorboard?: boolean } = {},
  ): Promise<readonly InvalidLine[]> {
    this.#origin = origin;
    this.#description = description;
    this.#records = new RunRecords(this.path, tensorboard);
    await this.#create();
    this.lock ??= await lockFolder(this.path);
    // Again: reading the data may have taken minutes, in which another run may have used the folder.
    if (!this.isResumed) await refuseRun(this.path);
    // Not earlier: a resume that is refused changes nothing.
    await removeLeftovers(this.path);
    const end = this.checkpoint ?? { globalStep: 0, epoch: 0 };
    const rejected = this.isResumed ? await this.#records.restore(end) : [];
    await this.#warn();
    await this.#describe();
    return rejected;
  }

  /** Appends a record to `metrics.jsonl`. @throws ParamError if the disk is full, or the folder was removed or emptied */
  async record(record: MetricsRecord): Promise<void> {
    await this.#records.append(record, () => this.#requireFiles());
  }

  /**
   * Writes the files that are derived from the records: `results.csv`, events, and with `curves` the pictures. Errors do
   * not end the run: see `failures`.
   */
  async derive({ curves }: { readonly curves: boolean }): Promise<void> {
    await this.#records.derive(curves ? (records) => this.#drawCurves(records) : null);
  }

  /** Why derived files are not up to date. */
  get failures(): readonly Error[] {
    return this.#records.failures;
  }

  /** Writes a checkpoint. @throws ParamError as `record` */
  async save(checkpoint: Checkpoint): Promise<void> {
    await this.#requireFiles();
    const { unrecorded } = this.#records;
    await writeCheckpoint(this.path, {
      ...checkpoint,
      ...(this.#origin === null ? {} : { origin: this.#origin }),
      ...(unrecorded.length === 0 ? {} : { unrecorded }),
    });
  }

  /** Writes weights in float32. @returns the path of the file @throws ParamError as `record` */
  async saveWeights(name: WeightsName, { state, config }: NetworkWeights): Promise<string> {
    await this.#requireFiles();
    const path = join(this.path, `${name}.safetensors`);
    await writeWeights(path, state, config, { dtype: 'float32' });
    return path;
  }

  /**
   * Creates the folder again if it was removed or emptied, with its lock, its configuration and its records.
   *
   * @returns whether it was
   * @throws ParamError if it cannot be created, or has files of another run
   */
  async restoreIfRemoved(): Promise<boolean> {
    const loss = await this.#inspect();
    if (loss === null) return false;
    if (loss.isTaken) throw this.#lossError(loss);
    await this.lock?.();
    await this.#create();
    this.lock = await lockFolder(this.path);
    await this.#describe();
    await this.#records.rewrite();
    return true;
  }

  /** @throws ParamError if the folder or its files were removed, or it is another run's by now */
  async #requireFiles(): Promise<void> {
    const loss = await this.#inspect();
    if (loss !== null) throw this.#lossError(loss);
  }

  /** What is missing in the folder of a run that has begun; null if nothing is. */
  async #inspect(): Promise<Loss | null> {
    if (this.lock === null) return null;
    const owner = await this.lock.owner();
    const { isLost, isOther } = await this.#records.inspect();
    if (owner === 'other') return { got: 'one that another process has locked', isTaken: true };
    if (owner === 'none') {
      const isThere = await stat(this.path).then(
        () => true,
        () => false,
      );
      return { got: isThere ? 'one without its lock' : 'a folder that was removed', isTaken: isOther };
    }
    return isLost ? { got: `one whose ${METRICS} was removed or cut`, isTaken: false } : null;
  }

  #lossError({ got }: Loss): ParamError {
    const hint = 'Leave the folder of a run as it is until the run ends.';
    return new ParamError({ op: this.path, expected: 'the folder in which this run began', got, hint });
  }

  /** The weight files in the folder, in words: `last.safetensors in runs/train`. Never throws. */
  async describeWeights(): Promise<string> {
    const files = await readdir(this.path).catch((): string[] => []);
    const names = files.filter((name) => name.endsWith('.safetensors')).sort();
    return names.length === 0 ? `no weights in ${this.path}` : `${names.join(', ')} in ${this.path}`;
  }

  /** Compares the files of a resumed run with its checkpoint. */
  async #warn(): Promise<void> {
    const { checkpoint, descriptionError } = this;
    const { lost } = this.#records;
    if (lost !== null) this.#warnings.push(lossNote(join(this.path, METRICS), lost));
    if (checkpoint === null) return;
    if (descriptionError !== null)
      this.#warnings.push(`${descriptionError.message}; written again from the checkpoint`);
    this.#warnOfChanges(checkpoint);
    const bests = { best: checkpoint.best, 'best-fusable': checkpoint.bestFusable };
    for (const [name, best] of Object.entries(bests)) {
      if (best === null || (await this.hasWeights(name as WeightsName))) continue;
      const note = `that of epoch ${best.epoch} is missing, and is written again if a later epoch is better`;
      this.#warnings.push(`${join(this.path, `${name}.safetensors`)}: ${note}`);
    }
  }

  /** Names what `config.json` says that the run does not do. */
  #warnOfChanges(checkpoint: Checkpoint): void {
    const changes = descriptionChanges(this.description ?? {}, checkpoint);
    if (changes.length === 0) return;
    const note = `has ${changes.join('; ')}, as in the checkpoint, with which the run continues`;
    this.#warnings.push(`${join(this.path, CONFIG)} ${note}; written again. For other values, start a new run`);
  }

  /** Whether the folder has these weights. */
  hasWeights(name: WeightsName): Promise<boolean> {
    return stat(join(this.path, `${name}.safetensors`)).then(
      (stats) => stats.isFile(),
      () => false,
    );
  }

  async #create(): Promise<void> {
    await createFolder(this.path, FOLDER);
  }

  async #describe(): Promise<void> {
    // The folder to which a relative path of the data refers.
    const content = { ...this.#description, run: { ...this.#origin, directory: process.cwd() } };
    await atomicWrite(join(this.path, CONFIG), `${JSON.stringify(content, null, 2)}\n`);
  }

  /** Writes `curves.svg` and `curves.html`. */
  async #drawCurves(records: readonly MetricsRecord[]): Promise<void> {
    // On demand: the drawing modules take a third of a second to load.
    const [{ curvesSvg }, { curvesHtml }] = await Promise.all([
      import('../report/curves.js'),
      import('../report/page.js'),
    ]);
    const runs = [{ name: this.path, records, config: { ...this.#description, run: this.#origin } }];
    await atomicWrite(join(this.path, 'curves.svg'), curvesSvg(runs));
    await atomicWrite(join(this.path, 'curves.html'), curvesHtml(runs));
  }
}
