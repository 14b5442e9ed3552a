import { appendFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ParamError, type WeightsError } from '../core/errors.js';
import { atomicWrite, removeLeftovers } from '../io/atomicWrite.js';
import { lock } from '../io/lock.js';
import { reasonOf } from '../io/reason.js';
import { writeWeights } from '../io/weightsFile.js';
import { readMetrics, type MetricsRecord } from '../report/record.js';
import { listCheckpoints, readLastCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.js';
import type { Origin } from './origin.js';
import type { NetworkWeights } from './progress.js';

const METRICS = 'metrics.jsonl';
const LOCK = 'lock';
const lockFolder = (path: string): Promise<() => Promise<void>> => lock(join(path, LOCK), 'trains here');

/** @throws ParamError for a folder with a run in it */
async function refuseRun(path: string): Promise<void> {
  const before = await listCheckpoints(path);
  if (before.length > 0 || (await stat(join(path, METRICS)).catch(() => null)) !== null) {
    throw new ParamError({ op: path, expected: 'a folder without a run', got: 'one with: --resume goes on with it' });
  }
}

/**
 * What a run leaves behind, in a folder of its own:
 *
 *     config.json                   recipe and network, as `--config` takes them; under `run` what they met: data, backend
 *     metrics.jsonl                 a line for every epoch, and some for its steps
 *     curves.svg, curves.html       redrawn after every epoch
 *     checkpoint-<step>.safetensors the last two
 *     best.safetensors              the best epoch, which may have λ < 1
 *     best-fusable.safetensors      the best with λ = 1
 *     last.safetensors              the end
 *     lock                          the process that trains here
 */
export class RunFolder {
  #origin: Origin | null = null;

  private constructor(
    readonly path: string,
    readonly resumed: Checkpoint | null,
    private readonly resume: boolean,
    /** Null as long as nobody else is kept out: the folder of a new run is made when it begins. */
    private unlock: (() => Promise<void>) | null,
  ) {}

  /**
   * A folder for a run, not yet made; or a run found again, that nobody else may go on with.
   *
   * @param onDamage told of a checkpoint that is passed over
   * @throws ParamError for a folder with another run in it, with none to go on with, or that a process trains in;
   * WeightsError
   */
  static async open(
    path: string,
    { resume, onDamage }: { readonly resume: boolean; readonly onDamage: (error: WeightsError) => void },
  ): Promise<RunFolder> {
    const there = await stat(path).catch(() => null);
    if (there !== null && !there.isDirectory()) {
      throw new ParamError({ op: path, expected: 'a folder for the run', got: 'a file' });
    }
    if (!resume) {
      await refuseRun(path);
      return new RunFolder(path, null, false, null);
    }
    if (there === null) throw new ParamError({ op: path, expected: 'a run to go on with', got: 'no folder' });
    // Before the checkpoint is read: another process would go on from it, too.
    const unlock = await lockFolder(path);
    try {
      return new RunFolder(path, await readLastCheckpoint(path, onDamage), true, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Lets others in; what was opened is to be closed, however it ends. */
  async close(): Promise<void> {
    await this.unlock?.();
    this.unlock = null;
  }

  /**
   * Makes the folder, now that the run begins, and says what it is.
   *
   * @param origin which its checkpoints have, too
   * @throws ParamError where the folder cannot be made, a process trains in it, or one has since it was opened
   */
  async begin(description: Readonly<Record<string, unknown>>, origin: Origin): Promise<void> {
    this.#origin = origin;
    await mkdir(this.path, { recursive: true }).catch((cause: unknown) => {
      throw new ParamError({ op: this.path, expected: 'a folder for the run', got: reasonOf(cause) }, { cause });
    });
    this.unlock ??= await lockFolder(this.path);
    // Once more: data may have taken minutes to read, and another run may have come to its end meanwhile.
    if (!this.resume) await refuseRun(this.path);
    // Not before: a resume that is refused changes nothing.
    await removeLeftovers(this.path);
    if (this.resume) await this.#forgetAfter(this.resumed?.globalStep ?? 0, this.resumed?.epoch ?? 0);
    await atomicWrite(join(this.path, 'config.json'), `${JSON.stringify({ ...description, run: origin }, null, 2)}\n`);
  }

  /** @throws ParamError where the disk is full, or the folder gone */
  async record(record: MetricsRecord): Promise<void> {
    const path = join(this.path, METRICS);
    try {
      await appendFile(path, `${JSON.stringify(record)}\n`);
    } catch (cause) {
      throw new ParamError({ op: path, expected: 'a file to write', got: reasonOf(cause) }, { cause });
    }
  }

  async save(checkpoint: Checkpoint): Promise<void> {
    await writeCheckpoint(this.path, this.#origin === null ? checkpoint : { ...checkpoint, origin: this.#origin });
  }

  /** @returns where they are */
  async saveWeights(name: 'best' | 'best-fusable' | 'last', { state, config }: NetworkWeights): Promise<string> {
    const path = join(this.path, `${name}.safetensors`);
    await writeWeights(path, state, config, { dtype: 'float32' });
    return path;
  }

  /** What of the run can be used, in words. */
  async describeWeights(): Promise<string> {
    // It is asked for where something has failed already.
    const files = await readdir(this.path).catch((): string[] => []);
    const names = files.filter((name) => name.endsWith('.safetensors')).sort();
    return names.length === 0 ? `no weights in ${this.path}` : `${names.join(', ')} in ${this.path}`;
  }

  /** Draws the curves anew. */
  async drawCurves(config: Readonly<Record<string, unknown>>): Promise<void> {
    // What draws takes a third of a second to load, which no other command shall wait for.
    const [{ curvesSvg }, { curvesHtml }] = await Promise.all([
      import('../report/curves.js'),
      import('../report/page.js'),
    ]);
    const runs = [{ name: this.path, records: await readMetrics(join(this.path, METRICS)), config }];
    await atomicWrite(join(this.path, 'curves.svg'), curvesSvg(runs));
    await atomicWrite(join(this.path, 'curves.html'), curvesHtml(runs));
  }

  /** What was recorded behind the checkpoint will be recorded again. */
  async #forgetAfter(globalStep: number, epochs: number): Promise<void> {
    const path = join(this.path, METRICS);
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) return;
    const kept = text.split('\n').filter((line) => {
      try {
        const record = JSON.parse(line) as MetricsRecord;
        // A checkpoint at an epoch's last step may be from before its evaluation, or behind it.
        return record.kind === 'epoch' ? record.epoch <= epochs : record.global_step <= globalStep;
      } catch {
        return false;
      }
    });
    await atomicWrite(path, kept.map((line) => `${line}\n`).join(''));
  }
}
