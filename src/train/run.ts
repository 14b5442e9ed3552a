/** A training run, step by step, on arguments that `train` has checked. */
import { platform } from '#runtime';
import type { ModelConfig } from '../core/config.js';
import { DataError, LoaderError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import type { Batch } from '../data/loader/batch.js';
import { fuseState } from '../oracle/fuse.js';
import { compareEpoch, type BestEpochs } from './bestEpochs.js';
import type { Checkpoint } from './checkpoint.js';
import { evaluate } from './evaluate.js';
import { refuseLoss, requireFinite, requireFiniteMoments } from './finite.js';
import { optimizerStep } from './optimizerStep.js';
import type { NetworkWeights, NewBest, Progress, ResumePoint, TrainingResult } from './progress.js';
import type { Recipe } from './recipe.js';
import type { RunOptions, TrainingData } from './runOptions.js';
import { openResources, openTrainer, type RunResources } from './runResources.js';
import { lambdaAt, learningRateAt } from './schedule.js';
import { addTallies, EMPTY_TALLY, scoresOf, tallyBatch, type Scores, type Tally } from './scores.js';
import type { Snapshot } from './trainer.js';

/** The scheduled values of a step. */
interface Rates {
  readonly lambda: number;
  readonly lr: number;
}

/** Measures an epoch: seconds since its start, and of those the seconds spent waiting for batches. */
interface Clock {
  seconds(): number;
  waited(): number;
}

/** The epoch, from 0, and the steps of it that are done. */
interface StepIndex {
  readonly epoch: number;
  readonly step: number;
}

type Pause = Omit<ResumePoint, 'error'>;

/** Where a run starts, in the words of an error. */
function startingPosition(resume: Checkpoint | undefined): string {
  if (resume === undefined || resume.globalStep === 0) return 'before the first step';
  const { epoch, step } = resume;
  return step === 0 ? `the end of epoch ${epoch}` : `epoch ${epoch + 1}, step ${step}`;
}

/**
 * Runs the epochs of a recipe, from the first or from a checkpoint.
 *
 * @returns a generator that yields after every step and every epoch, and returns the final weights
 */
export async function* runTraining(
  data: TrainingData,
  config: ModelConfig,
  recipe: Recipe,
  options: RunOptions,
): AsyncGenerator<Progress, TrainingResult> {
  const { resume } = options;
  const startConfig = resume?.config ?? config;
  const resources = await openResources(data, startConfig, recipe, options);
  try {
    const run = new Run(resources, data, startConfig, recipe, options);
    try {
      // With fewer images than before, an epoch may have fewer steps than the checkpoint has done.
      let firstStep = Math.min(resume?.step ?? 0, resources.trainLoader.steps);
      for (let epoch = resume?.epoch ?? 0; epoch < recipe.epochs; epoch++, firstStep = 0) {
        yield* run.epoch(epoch, firstStep);
      }
      return await run.result();
    } catch (error) {
      await run.reportDataError(error);
      throw error;
    }
  } finally {
    await resources.close();
  }
}

class Run {
  /** Changes its form if the network is fused during the run. */
  #config: ModelConfig;
  #globalStep: number;
  /** Of the current epoch. */
  #tally: Tally;
  #bestEpochs: BestEpochs;
  /** The last step, in the words of an error. */
  #position: string;
  /** The last point between two steps. */
  #pause: Pause | null = null;

  constructor(
    private readonly resources: RunResources,
    private readonly data: TrainingData,
    config: ModelConfig,
    private readonly recipe: Recipe,
    private readonly options: RunOptions,
  ) {
    const { resume } = options;
    this.#config = config;
    this.#globalStep = resume?.globalStep ?? 0;
    this.#tally = resume?.tally ?? EMPTY_TALLY;
    this.#bestEpochs = { best: resume?.best ?? null, bestFusable: resume?.bestFusable ?? null };
    this.#position = startingPosition(resume);
  }

  /** The steps of an epoch from `firstStep` on, then its evaluation. */
  async *epoch(epoch: number, firstStep: number): AsyncGenerator<Progress, void> {
    const { trainLoader } = this.resources;
    const clock = this.#startClock();
    let rates = this.#ratesBefore(epoch, firstStep);
    let step = firstStep;
    this.#pause = this.#pauseAt(epoch, firstStep);
    for await (const batch of trainLoader.epoch(epoch, firstStep)) {
      rates = this.#ratesAt(epoch, step);
      await this.#fuseWhenDue(rates);
      const batchTally = await this.#step(batch, rates, { epoch, step: ++step });
      yield this.#stepProgress({ epoch, step }, rates, batchTally, { count: step - firstStep, clock });
      // Gives a turn to signals and files.
      await platform.nextTurn();
    }
    yield await this.#endEpoch(epoch, rates, step - firstStep, clock);
  }

  /** The final weights, with λ = 1. */
  async result(): Promise<TrainingResult> {
    return { ...(await this.#weights(1)), ...this.#bestEpochs };
  }

  /** Hands out the last resume point if images could not be read: the network is as its last step left it. */
  async reportDataError(error: unknown): Promise<void> {
    if (!(error instanceof DataError || error instanceof LoaderError) || this.#pause === null) return;
    await this.options.onResumePoint?.({ ...this.#pause, error });
  }

  #startClock(): Clock {
    const { trainLoader } = this.resources;
    const [start, waitedBefore] = [performance.now(), trainLoader.waited];
    return {
      seconds: () => (performance.now() - start) / 1000,
      waited: () => (trainLoader.waited - waitedBefore) / 1000,
    };
  }

  #ratesAt(epoch: number, step: number): Rates {
    const { steps } = this.resources.trainLoader;
    return {
      lambda: lambdaAt(epoch, step / steps, this.recipe),
      lr: learningRateAt(this.#globalStep, steps, this.recipe),
    };
  }

  /** Those of the step before, for a resumed epoch of which only the evaluation is left. */
  #ratesBefore(epoch: number, firstStep: number): Rates {
    const { steps } = this.resources.trainLoader;
    return {
      lambda: lambdaAt(epoch, Math.max(0, firstStep - 1) / steps, this.recipe),
      lr: learningRateAt(Math.max(0, this.#globalStep - 1), steps, this.recipe),
    };
  }

  /**
   * Replaces the network by its deploy form when λ reaches 1, and the average likewise. The optimizer starts again
   * with empty moments.
   */
  async #fuseWhenDue({ lambda }: Rates): Promise<void> {
    if (!this.recipe.fuseAtDecay || lambda !== 1 || this.#config.form !== 'train') return;
    const { trainer } = this.resources;
    const fuse = (state: StateDict) => fuseState(requireFinite(this.#position, state), { ...this.#config, lambda: 1 });
    const { state, config } = fuse(await trainer.state());
    const average = this.recipe.ema > 0 ? { ema: fuse(await trainer.ema()).state } : {};
    trainer.dispose();
    this.#config = config;
    const resume = { state, optimizer: new Map(), steps: 0, ...average };
    this.resources.trainer = await openTrainer(config, this.recipe, this.options, resume);
  }

  /** One step of the trainer. @param at the step afterwards @returns the tally of its batch */
  async #step({ x, targets, labels }: Batch, { lambda, lr }: Rates, at: StepIndex): Promise<Tally> {
    const { trainer } = this.resources;
    const { ema: emaDecay } = this.recipe;
    const optimizer = optimizerStep(lr, this.recipe);
    const options = { lambda, optimizer, ...(emaDecay > 0 ? { emaDecay } : {}) };
    const { loss, logits } = await trainer.step(x, targets, options);
    this.#globalStep++;
    this.#position = `epoch ${at.epoch + 1}, step ${at.step}`;
    if (!Number.isFinite(loss)) refuseLoss(this.#position, loss, trainer.firstNonFinite());
    const tally = tallyBatch(loss, logits, labels);
    this.#tally = addTallies(this.#tally, tally);
    return tally;
  }

  /** @param count steps of this epoch since the clock was started */
  #stepProgress(
    { epoch, step }: StepIndex,
    { lambda, lr }: Rates,
    batchTally: Tally,
    { count, clock }: { readonly count: number; readonly clock: Clock },
  ): Progress {
    const { loss, top1 } = scoresOf(batchTally);
    const running = scoresOf(this.#tally);
    const imagesPerSecond = (count * this.recipe.batchSize) / clock.seconds();
    this.#pause = this.#pauseAt(epoch, step);
    return {
      kind: 'step',
      epoch: epoch + 1,
      lambda,
      lr,
      global_step: this.#globalStep,
      step,
      steps: this.resources.trainLoader.steps,
      loss,
      top1,
      running_loss: running.loss,
      running_top1: running.top1,
      images_per_second: imagesPerSecond,
      weights: () => this.#weights(lambda),
      checkpoint: this.#pause.checkpoint,
    };
  }

  /** Evaluates the network after the last step of an epoch. @param count steps since the clock was started */
  async #endEpoch(epoch: number, rates: Rates, count: number, clock: Clock): Promise<Progress> {
    const { lambda, lr } = rates;
    const seconds = clock.seconds();
    // The loss of a step is that before it: nothing has checked the weights after the last one.
    requireFinite(this.#position, await this.resources.trainer.state());
    const validation = await this.#evaluate(lambda, false);
    const ema = this.recipe.ema === 0 ? undefined : await this.#evaluate(lambda, true);
    const newBest = this.#updateBest(epoch + 1, lambda, validation, ema);
    const train = scoresOf(this.#tally);
    this.#tally = EMPTY_TALLY;
    return {
      kind: 'epoch',
      epoch: epoch + 1,
      lambda,
      lr,
      global_step: this.#globalStep,
      train,
      ...(validation === undefined ? {} : { validation }),
      ...(ema === undefined ? {} : { ema }),
      seconds,
      images_per_second: (count * this.recipe.batchSize) / seconds,
      idle: clock.waited() / seconds,
      fused: this.#config.form === 'deploy',
      newBest,
      weights: () => this.#weights(lambda),
      checkpoint: this.#pauseAt(epoch + 1, 0).checkpoint,
    };
  }

  /** Scores on the held-out images at the epoch's λ; undefined without such images. */
  async #evaluate(lambda: number, useEma: boolean): Promise<Scores | undefined> {
    const { trainer, heldOutLoader } = this.resources;
    if (heldOutLoader === null) return undefined;
    const { onResumePoint } = this.options;
    return evaluate(trainer, heldOutLoader, { lambda, useEma }, this.#position, async () => {
      if (onResumePoint === undefined || this.#pause === null) return;
      // As after a step: gives a turn to signals.
      await platform.nextTurn();
      await onResumePoint(this.#pause);
    });
  }

  #updateBest(epoch: number, lambda: number, validation?: Scores, ema?: Scores): NewBest {
    const comparison = compareEpoch(this.#bestEpochs, { epoch, lambda, validation, ema });
    const { epochs, isBest, isBestFusable, useEma } = comparison;
    this.#bestEpochs = epochs;
    const weights = (): Promise<NetworkWeights> => this.#weights(lambda, useEma);
    return { ...(isBest ? { best: weights } : {}), ...(isBestFusable ? { bestFusable: weights } : {}) };
  }

  /** A copy of the weights, or of their average, labeled with their λ. */
  async #weights(lambda: number, useEma = false): Promise<NetworkWeights> {
    const { trainer } = this.resources;
    const config = { ...this.#config, lambda };
    const state = await (useEma ? trainer.ema() : trainer.state());
    return { state: requireFinite(this.#position, state), config };
  }

  /**
   * A point from which the run can be resumed.
   *
   * @param epoch epochs done
   * @param step steps done of the next epoch. If all of them are done, its evaluation is still to come.
   */
  #pauseAt(epoch: number, step: number): Pause {
    return {
      globalStep: this.#globalStep,
      checkpoint: async () => ({
        config: this.#config,
        recipe: this.recipe,
        images: this.data.train.n,
        epoch,
        step,
        globalStep: this.#globalStep,
        tally: this.#tally,
        best: this.#bestEpochs.best,
        bestFusable: this.#bestEpochs.bestFusable,
        snapshot: this.#requireFiniteSnapshot(await this.resources.trainer.snapshot()),
      }),
    };
  }

  #requireFiniteSnapshot(snapshot: Snapshot): Snapshot {
    requireFinite(this.#position, snapshot.state);
    if (snapshot.ema !== undefined) requireFinite(this.#position, snapshot.ema);
    requireFiniteMoments(this.#position, snapshot.optimizer);
    return snapshot;
  }
}
