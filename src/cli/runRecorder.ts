import type { ResumePoint, Progress, TrainingResult } from '../train/progress.js';
import type { RunFolder } from '../train/runFolder.js';

/** Steps between two records, as in the article's code; and the least records an epoch, if it has so many steps. */
const [LOG_EVERY, RECORDS_PER_EPOCH] = [10, 20];
/** The least milliseconds between two drawings of the curves. */
const DRAW_EVERY = 5000;

export interface RunRecorderOptions {
  /** Whether the run must end after the next checkpoint. */
  readonly stops: () => boolean;
  /** Seconds between checkpoints within an epoch. */
  readonly every: number;
  /** Steps between two records; undefined for 10, or fewer in short epochs. */
  readonly logEvery?: number | undefined;
  /** Called if the run fails and its checkpoint cannot be written. */
  readonly onUnsaved: (error: unknown) => void;
  /** Called once for each file that could not be derived from the records. */
  readonly onStale: (error: Error) => void;
}

/** Ends a run after its checkpoint. */
class StopRequest extends Error {}

/** Whether a step is recorded: every so many steps, and the last of an epoch. */
export function isRecorded(step: number, steps: number, logEvery: number | undefined): boolean {
  const every = logEvery ?? Math.min(LOG_EVERY, Math.ceil(steps / RECORDS_PER_EPOCH));
  return step % every === 0 || step === steps;
}

/** Writes the records of a run to its folder, and checkpoints: at intervals, before it stops, and if it fails. */
export class RunRecorder {
  #saved: number;
  #savedAt = performance.now();
  #drawnAt = -Infinity;
  /** Messages of the errors that were passed to `onStale`. */
  readonly #reported = new Set<string>();

  constructor(
    private readonly folder: RunFolder,
    private readonly options: RunRecorderOptions,
  ) {
    this.#saved = folder.checkpoint?.globalStep ?? 0;
  }

  /** The callback `between` of `RunOptions`. It is also called during an evaluation, which may take minutes. */
  async between({ globalStep, checkpoint, error }: ResumePoint): Promise<void> {
    const isNew = globalStep > this.#saved;
    if (error !== undefined) {
      // `train` throws `error` afterwards. An error of saving must not replace it.
      if (isNew) await this.#save(globalStep, checkpoint).catch(this.options.onUnsaved);
      return;
    }
    if (isNew && (this.options.stops() || this.#isTime())) {
      await this.#save(globalStep, checkpoint).catch(async (cause: unknown) => {
        await this.#rescue(() => this.#save(globalStep, checkpoint));
        throw cause;
      });
    }
    if (this.options.stops()) throw new StopRequest();
  }

  /** Follows a run to its end. Returns null if it was stopped. */
  async follow(
    steps: AsyncGenerator<Progress, TrainingResult>,
    show: (progress: Progress) => void,
  ): Promise<TrainingResult | null> {
    try {
      for (;;) {
        const next = await steps.next();
        if (next.done === true) return next.value;
        show(next.value);
        await this.#process(next.value);
        if (this.options.stops()) return null;
      }
    } catch (error) {
      if (error instanceof StopRequest) return null;
      throw error;
    } finally {
      // In any case, because the loader's threads end with the generator.
      await steps.return(undefined as never);
    }
  }

  /** Writes all derived files. @returns why some are not up to date */
  async derive(): Promise<readonly Error[]> {
    await this.folder.derive({ curves: true });
    return this.folder.failures;
  }

  async #process(progress: Progress): Promise<void> {
    try {
      await this.#record(progress);
      await this.#saveBest(progress);
      const isDue = progress.kind === 'epoch' || this.options.stops() || this.#isTime();
      if (isDue) await this.#save(progress.global_step, progress.checkpoint);
    } catch (error) {
      await this.#rescue(async () => {
        // A checkpoint names the best epoch: its weights must be there.
        await this.#saveBest(progress);
        await this.#save(progress.global_step, progress.checkpoint);
      });
      throw error;
    }
    if (progress.kind === 'epoch') await this.#deriveAfterEpoch();
  }

  async #record(progress: Progress): Promise<void> {
    if (progress.kind === 'step') {
      const { checkpoint: _, weights: __, ...record } = progress;
      if (isRecorded(record.step, record.steps, this.options.logEvery)) await this.folder.record(record);
      return;
    }
    const { newBest: _, checkpoint: __, weights: ___, ...record } = progress;
    await this.folder.record(record);
  }

  async #saveBest(progress: Progress): Promise<void> {
    if (progress.kind !== 'epoch') return;
    const { best, bestFusable } = progress.newBest;
    if (best !== undefined) await this.folder.saveWeights('best', await best());
    if (bestFusable !== undefined) await this.folder.saveWeights('best-fusable', await bestFusable());
  }

  async #deriveAfterEpoch(): Promise<void> {
    const curves = performance.now() - this.#drawnAt > DRAW_EVERY;
    await this.folder.derive({ curves });
    if (curves) this.#drawnAt = performance.now();
    for (const error of this.folder.failures) {
      if (this.#reported.has(error.message)) continue;
      this.#reported.add(error.message);
      this.options.onStale(error);
    }
  }

  /**
   * Keeps the last step although a file of the run cannot be written. The error of this attempt says less than the
   * first one: the checkpoint before it remains.
   */
  async #rescue(save: () => Promise<void>): Promise<void> {
    try {
      await this.folder.restoreIfRemoved();
      await save();
    } catch {
      // See above.
    }
  }

  #isTime(): boolean {
    return performance.now() - this.#savedAt > 1000 * this.options.every;
  }

  async #save(globalStep: number, checkpoint: ResumePoint['checkpoint']): Promise<void> {
    await this.folder.save(await checkpoint());
    this.#saved = globalStep;
    this.#savedAt = performance.now();
  }
}
