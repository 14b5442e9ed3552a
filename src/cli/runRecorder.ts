import type { ResumePoint, Progress, TrainingResult } from '../train/progress.js';
import type { RunFolder } from '../train/runFolder.js';

/** Step records an epoch in metrics.jsonl: enough for a curve. */
const RECORDS_PER_EPOCH = 20;
/** Milliseconds between two drawings of the curves, where epochs are short. */
const DRAW_EVERY = 5000;

export interface RunRecorderOptions {
  /** Whether the run shall end as soon as it is saved. */
  readonly stops: () => boolean;
  /** Seconds between checkpoints within an epoch. */
  readonly every: number;
  /** What the curves are captioned with. */
  readonly file: Readonly<Record<string, unknown>>;
  /** Told why a run that cannot go on could not be saved either. */
  readonly onUnsaved: (error: unknown) => void;
}

/** Ends a run that is saved. */
class Stopped extends Error {}

/** Keeps what a run says in its folder, and saves it: when it is time, when it shall stop, when it cannot go on. */
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

  /** For `RunOptions`: evaluation may take many minutes. */
  async between({ globalStep, checkpoint, error }: ResumePoint): Promise<void> {
    const isNew = globalStep > this.#saved;
    if (error !== undefined) {
      // It is thrown when this has come to its end, and names what is to be mended: nothing shall take its place.
      if (isNew) await this.#save(globalStep, checkpoint).catch(this.options.onUnsaved);
      return;
    }
    if (isNew && (this.options.stops() || this.#isTime())) await this.#save(globalStep, checkpoint);
    if (this.options.stops()) throw new Stopped();
  }

  /** Follows a run to its end, or to where it is stopped: then null. */
  async follow(
    steps: AsyncGenerator<Progress, TrainingResult>,
    show: (progress: Progress) => void,
  ): Promise<TrainingResult | null> {
    try {
      for (;;) {
        const next = await steps.next();
        if (next.done === true) return next.value;
        show(next.value);
        await this.#keep(next.value);
        if (this.options.stops()) return null;
      }
    } catch (error) {
      if (error instanceof Stopped) return null;
      throw error;
    } finally {
      // Also where something could not be kept: threads end with the run.
      await steps.return(undefined as never);
    }
  }

  async #keep(progress: Progress): Promise<void> {
    await this.#record(progress);
    const ends = progress.kind === 'epoch';
    if (ends || this.options.stops() || this.#isTime()) await this.#save(progress.global_step, progress.checkpoint);
    if (ends && performance.now() - this.#drawnAt > DRAW_EVERY) {
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
