import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../core/check.js';
import { ParamError, type WeightsError } from '../core/errors.js';
import { atomicWrite, removeLeftovers } from '../io/atomicWrite.js';
import { lock } from '../io/lock.js';
import { reasonOf } from '../io/reason.js';
import { writeWeights } from '../io/weightsFile.js';
import type { InvalidLine, MetricsRecord } from '../report/record.js';
import { listCheckpoints, readLastCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.js';
import type { Origin } from './origin.js';
import type { NetworkWeights } from './progress.js';
import { METRICS, RunRecords } from './runRecords.js';

const CONFIG = 'config.json';
const LOCK = 'lock';

/** Releases a lock. */
type Unlock = () => Promise<void>;

const lockFolder = (path: string): Promise<Unlock> => lock(join(path, LOCK), 'trains here');

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

async function readDescription(path: string): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(join(path, CONFIG), 'utf8'));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
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

  private constructor(
    readonly path: string,
    /** The checkpoint to resume from; null for a new run, or if there is none yet. */
    readonly checkpoint: Checkpoint | null,
    /** `config.json` of a resumed run; null if it is missing or damaged. */
    readonly description: Readonly<Record<string, unknown>> | null,
    private readonly isResumed: boolean,
    /** Null until the folder is locked: the folder of a new run is created when the run begins. */
    private unlock: Unlock | null,
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
    const stats = await stat(path).catch(() => null);
    if (stats !== null && !stats.isDirectory()) {
      throw new ParamError({ op: path, expected: 'a folder for the run', got: 'a file' });
    }
    if (!resume) {
      await refuseRun(path);
      return new RunFolder(path, null, null, false, null);
    }
    if (stats === null) {
      const hint = 'Start a new run: leave out --resume.';
      throw new ParamError({ op: path, expected: 'the folder of a run', got: 'no such folder', hint });
    }
    // Before the checkpoint is read, so that no other process resumes from it.
    const unlock = await lockFolder(path);
    try {
      const checkpoint = await readLastCheckpoint(path, onDamage);
      return new RunFolder(path, checkpoint, await readDescription(path), true, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Releases the lock. Must be called for every folder that was opened. */
  async close(): Promise<void> {
    await this.unlock?.();
    this.unlock = null;
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
    this.unlock ??= await lockFolder(this.path);
    // Again: reading the data may have taken minutes, in which another run may have used the folder.
    if (!this.isResumed) await refuseRun(this.path);
    // Not earlier: a resume that is refused changes nothing.
    await removeLeftovers(this.path);
    const end = this.checkpoint ?? { globalStep: 0, epoch: 0 };
    const rejected = this.isResumed ? await this.#records.restore(end) : [];
    await this.#describe();
    return rejected;
  }

  /** Appends a record to `metrics.jsonl`. @throws ParamError if the disk is full or the folder is gone */
  async record(record: MetricsRecord): Promise<void> {
    await this.#records.append(record);
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

  async save(checkpoint: Checkpoint): Promise<void> {
    const { unrecorded } = this.#records;
    await writeCheckpoint(this.path, {
      ...checkpoint,
      ...(this.#origin === null ? {} : { origin: this.#origin }),
      ...(unrecorded.length === 0 ? {} : { unrecorded }),
    });
  }

  /** Writes weights in float32. @returns the path of the file */
  async saveWeights(name: 'best' | 'best-fusable' | 'last', { state, config }: NetworkWeights): Promise<string> {
    const path = join(this.path, `${name}.safetensors`);
    await writeWeights(path, state, config, { dtype: 'float32' });
    return path;
  }

  /**
   * Creates the folder again if it was removed, with its configuration and its records.
   *
   * @returns whether it was removed
   * @throws ParamError
   */
  async restoreIfRemoved(): Promise<boolean> {
    const isThere = await stat(this.path).then(
      () => true,
      (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
    );
    if (isThere) return false;
    await this.#create();
    await this.#describe();
    await this.#records.rewrite();
    return true;
  }

  /** The weight files in the folder, in words: `last.safetensors in runs/train`. Never throws. */
  async describeWeights(): Promise<string> {
    const files = await readdir(this.path).catch((): string[] => []);
    const names = files.filter((name) => name.endsWith('.safetensors')).sort();
    return names.length === 0 ? `no weights in ${this.path}` : `${names.join(', ')} in ${this.path}`;
  }

  async #create(): Promise<void> {
    await mkdir(this.path, { recursive: true }).catch((cause: unknown) => {
      throw new ParamError({ op: this.path, expected: 'a folder for the run', got: reasonOf(cause) }, { cause });
    });
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
    const runs = [{ name: this.path, records, config: this.#description }];
    await atomicWrite(join(this.path, 'curves.svg'), curvesSvg(runs));
    await atomicWrite(join(this.path, 'curves.html'), curvesHtml(runs));
  }
}
