import type { ResumePoint, Progress, TrainingResult } from '../train/progress.js';
import type { RunFolder } from '../train/runFolder.js';

/** Step records an epoch in metrics.jsonl. */
const RECORDS_PER_EPOCH = 20;
/** The least milliseconds between two drawings of the curves. */
const DRAW_EVERY = 5000;

export interface RunRecorderOptions {
  /** Whether the run must end after the next checkpoint. */
  readonly stops: () => boolean;
  /** Seconds between checkpoints within an epoch. */
  readonly every: number;
  /** The configuration, which the page of curves shows. */
  readonly file: Readonly<Record<string, unknown>>;
  /** Called if the run fails and its checkpoint cannot be written. */
  readonly onUnsaved: (error: unknown) => void;
}

/** Ends a run after its checkpoint. */
class StopRequest extends Error {}

/** Writes the records of a run to its folder, and checkpoints: at intervals, before it stops, and if it fails. */
export class RunRecorder {
  #saved: number;
  #savedAt = performance.now();
  #drawnAt = -Infinity;

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
    if (isNew && (this.options.stops() || this.#isTime())) await this.#save(globalStep, checkpoint);
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

  async #process(progress: Progress): Promise<void> {
    await this.#record(progress);
    const isEpochEnd = progress.kind === 'epoch';
    if (isEpochEnd || this.options.stops() || this.#isTime())
      await this.#save(progress.global_step, progress.checkpoint);
    if (isEpochEnd && performance.now() - this.#drawnAt > DRAW_EVERY) {
      await this.folder.drawCurves(this.options.file);
      this.#drawnAt = performance.now();
    }
  }

  async #record(progress: Progress): Promise<void> {
    if (progress.kind === 'step') {
      const { checkpoint: _, weights: __, ...record } = progress;
      const every = Math.ceil(record.steps / RECORDS_PER_EPOCH);
      if (record.step % every === 0 || record.step === record.steps) await this.folder.record(record);
      return;
    }
    const { newBest, checkpoint: _, weights: __, ...record } = progress;
    await this.folder.record(record);
    if (newBest.best !== undefined) await this.folder.saveWeights('best', await newBest.best());
    if (newBest.bestFusable !== undefined) {
      await this.folder.saveWeights('best-fusable', await newBest.bestFusable());
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
