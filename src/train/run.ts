/** A training run, step by step, on arguments that `train` has checked. */
import { platform } from '#runtime';
import { throwIfAborted } from '../core/abort.js';
import type { ModelConfig } from '../core/config.js';
import { DataError, LoaderError } from '../core/errors.js';
import type { Batch } from '../data/loader/batch.js';
import { abortable } from './abortable.js';
import type { BestEpochs } from './bestEpochs.js';
import type { Checkpoint } from './checkpoint.js';
import { startClock, type EpochClock } from './epochClock.js';
import { scoreEpoch, updateBest } from './epochEnd.js';
import { evaluate } from './evaluate.js';
import { refuseLoss, requireFinite, requireFiniteMoments } from './finite.js';
import { fuseTrainer, isFusionDue } from './fuseAtDecay.js';
import { copyWeights } from './networkWeights.js';
import { optimizerStep } from './optimizerStep.js';
import type { NetworkWeights, Progress, ResumePoint, TrainingResult } from './progress.js';
import { lastRates, nextRates, type Rates } from './rates.js';
import type { Recipe } from './recipe.js';
import type { RunOptions, TrainingData } from './runOptions.js';
import { openResources, openTrainer, type RunResources } from './runResources.js';
import { addTallies, EMPTY_TALLY, scoresOf, tallyBatch, type Scores, type Tally } from './scores.js';
import type { EvaluateOptions, Snapshot } from './trainer.js';

/** The epoch, from 0, and the steps of it that are done. */
interface StepIndex {
  readonly epoch: number;
  readonly step: number;
}

/** Steps of the current epoch since its clock was started: all of them, or those since the run was resumed. */
interface Pace {
  readonly count: number;
  readonly clock: EpochClock;
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
  const { resume, signal } = options;
  const startConfig = resume?.config ?? config;
  throwIfAborted(signal);
  const resources = await openResources(data, startConfig, recipe, options);
  try {
    const run = new Run(resources, data, startConfig, recipe, options);
    try {
      // With fewer images than before, an epoch may have fewer steps than the checkpoint has done.
      let firstStep = Math.min(resume?.step ?? 0, resources.trainLoader.steps);
      for (let epoch = resume?.epoch ?? 0; epoch < recipe.epochs; epoch++, firstStep = 0) {
        yield* run.epoch(epoch, firstStep);
      }
      throwIfAborted(signal);
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
    const { signal } = this.options;
    const clock = startClock(trainLoader);
    let step = firstStep;
    let rates = lastRates({ epoch, step, globalStep: this.#globalStep }, trainLoader.steps, this.recipe);
    this.#pause = this.#pauseAt(epoch, firstStep);
    for await (const batch of abortable(signal, trainLoader.epoch(epoch, firstStep))) {
      rates = nextRates({ epoch, step, globalStep: this.#globalStep }, trainLoader.steps, this.recipe);
      if (isFusionDue(this.recipe, rates.lambda, this.#config)) await this.#fuse();
      const batchTally = await this.#step(batch, rates, { epoch, step: ++step });
      yield this.#stepProgress({ epoch, step }, rates, batchTally, { count: step - firstStep, clock });
      // Gives a turn to signals and files.
      await platform.nextTurn();
    }
    yield await this.#endEpoch(epoch, rates, { count: step - firstStep, clock });
  }

  /** The final weights, with λ = 1. */
  async result(): Promise<TrainingResult> {
    return { ...(await this.#weights({ lambda: 1, useEma: false })), ...this.#bestEpochs };
  }

  /** Hands out the last resume point if images could not be read: the network is as its last step left it. */
  async reportDataError(error: unknown): Promise<void> {
    if (!(error instanceof DataError || error instanceof LoaderError) || this.#pause === null) return;
    await this.options.onResumePoint?.({ ...this.#pause, error });
  }

  /** Replaces the trainer by one of the fused network. */
  async #fuse(): Promise<void> {
    const { trainer } = this.resources;
    const { config, resume } = await fuseTrainer(trainer, this.#config, this.recipe.ema > 0, this.#position);
    trainer.dispose();
    this.#config = config;
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

  #stepProgress(
    { epoch, step }: StepIndex,
    { lambda, lr }: Rates,
    batchTally: Tally,
    { count, clock }: Pace,
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
      weights: () => this.#weights({ lambda, useEma: false }),
      checkpoint: this.#pause.checkpoint,
    };
  }

  /** Evaluates the network after the last step of an epoch. */
  async #endEpoch(epoch: number, { lambda, lr }: Rates, { count, clock }: Pace): Promise<Progress> {
    const seconds = clock.seconds();
    // The loss of a step is that before it: nothing has checked the weights after the last one.
    requireFinite(this.#position, await this.resources.trainer.state());
    const scores = await scoreEpoch(lambda, this.recipe.ema > 0, (options) => this.#evaluate(options));
    const { epochs, newBest } = updateBest(this.#bestEpochs, { epoch: epoch + 1, lambda }, scores, (options) =>
      this.#weights(options),
    );
    this.#bestEpochs = epochs;
    const train = scoresOf(this.#tally);
    this.#tally = EMPTY_TALLY;
    return {
      kind: 'epoch',
      epoch: epoch + 1,
      lambda,
      lr,
      global_step: this.#globalStep,
      train,
      ...scores,
      seconds,
      images_per_second: (count * this.recipe.batchSize) / seconds,
      idle: clock.waited() / seconds,
      fused: this.#config.form === 'deploy',
      newBest,
      weights: () => this.#weights({ lambda, useEma: false }),
      checkpoint: this.#pauseAt(epoch + 1, 0).checkpoint,
    };
  }

  /** Scores on the held-out images; undefined without such images. */
  async #evaluate(options: Required<EvaluateOptions>): Promise<Scores | undefined> {
    const { trainer, heldOutLoader } = this.resources;
    if (heldOutLoader === null) return undefined;
    const { onResumePoint, signal } = this.options;
    const afterBatch = async (): Promise<void> => {
      if (onResumePoint === undefined || this.#pause === null) return;
      // As after a step: gives a turn to signals.
      await platform.nextTurn();
      await onResumePoint(this.#pause);
    };
    return evaluate(trainer, heldOutLoader, options, { position: this.#position, afterBatch, signal });
  }

  #weights(options: Required<EvaluateOptions>): Promise<NetworkWeights> {
    return copyWeights(this.resources.trainer, this.#config, options, this.#position);
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
