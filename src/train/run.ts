import { platform } from '#runtime';
import type { ModelConfig } from '../core/config.js';
import { DataError, LoaderError } from '../core/errors.js';
import type { OptimizerStep } from '../core/optimizer.js';
import type { StateDict } from '../core/tensor.js';
import { openLoader, type Loader } from '../data/loader/loader.js';
import { fuseState } from '../oracle/fuse.js';
import type { Best, Checkpoint } from './checkpoint.js';
import { allFinite, requireFiniteLoss, requireFinite, requireFiniteMoments } from './finite.js';
import type { Improved, ResumePoint, Progress, Trained, Weights } from './progress.js';
import type { Recipe } from './recipe.js';
import type { RunOptions, TrainingData } from './runOptions.js';
import { lambdaAt, learningRateAt } from './schedule.js';
import { meanCrossEntropy, NOTHING, scoresOf, tally, type Scores, type Tally } from './scores.js';
import { oracleTrainer } from './oracleTrainer.js';
import type { EvaluateOptions, Snapshot, Trainer, TrainerOptions } from './trainer.js';

const optimizerAt = (lr: number, { optimizer, momentum, nesterov, betas, eps, ...recipe }: Recipe) =>
  ({
    kind: optimizer,
    lr,
    weightDecay: recipe.weightDecay,
    decayVectors: recipe.decayVectors,
    layerDecay: recipe.layerDecay,
    ...(optimizer === 'sgd' ? { momentum, nesterov } : { betas, eps }),
  }) satisfies OptimizerStep;

/** Where a run begins, as errors call it. */
function whereIs(resume: Checkpoint | undefined): string {
  if (resume === undefined || resume.globalStep === 0) return 'before the first step';
  const { epoch, step } = resume;
  return step === 0 ? `the end of epoch ${epoch}` : `epoch ${epoch + 1}, step ${step}`;
}

/** A training, step by step, of what has been checked. */
export class Run {
  readonly #data: TrainingData;
  readonly #recipe: Recipe;
  readonly #options: RunOptions;
  /** Changes its form where the network is fused on the way. */
  #config: ModelConfig;
  #globalStep: number;
  #tally: Tally;
  #best: Best | null;
  #bestFusable: Best | null;
  /** The last step that was made, for errors. */
  #where: string;

  constructor(data: TrainingData, config: ModelConfig, recipe: Recipe, options: RunOptions) {
    const { resume } = options;
    this.#data = data;
    this.#recipe = recipe;
    this.#options = options;
    this.#config = resume?.config ?? config;
    this.#globalStep = resume?.globalStep ?? 0;
    this.#tally = resume?.tally ?? NOTHING;
    this.#best = resume?.best ?? null;
    this.#bestFusable = resume?.bestFusable ?? null;
    this.#where = whereIs(resume);
  }

  async *steps(): AsyncGenerator<Progress, Trained> {
    const { epochs, batchSize, seed, smoothing, augment } = this.#recipe;
    const { mixup, cutmix, mixupProb, mixupSwitchProb } = this.#recipe;
    const mix = { mixup, cutmix, mixupProb, switchProb: mixupSwitchProb };
    const { workers = 0, resume } = this.#options;
    const { mean, std, input_size } = this.#config;
    const shared = { mean, std, inputSize: input_size, seed, workers };
    const closing: (() => void | Promise<void>)[] = [];
    let here: Omit<ResumePoint, 'error'> | null = null;
    try {
      let trainer = await this.#open(resume === undefined ? {} : { resume: resume.snapshot });
      closing.push(() => {
        trainer.dispose();
      });
      const loader = await openLoader(this.#data.train, { ...shared, ...mix, batchSize, smoothing, augment });
      closing.push(() => loader.dispose());
      const heldOut =
        this.#data.validation === null
          ? null
          : await openLoader(this.#data.validation, {
              ...shared,
              batchSize: Math.min(trainer.evaluationBatch, this.#data.validation.n),
              shuffle: false,
              dropLast: false,
            });
      if (heldOut !== null) closing.push(() => heldOut.dispose());

      // Of fewer images than before, an epoch may have fewer steps than were made.
      let first = Math.min(resume?.step ?? 0, loader.steps);
      for (let epoch = resume?.epoch ?? 0; epoch < epochs; epoch++, first = 0) {
        const started = performance.now();
        const waitedBefore = loader.waited;
        let step = first;
        // Those of the step before, for an epoch of which only the evaluation is left.
        let lambda = lambdaAt(epoch, Math.max(0, first - 1) / loader.steps, this.#recipe);
        let lr = learningRateAt(Math.max(0, this.#globalStep - 1), loader.steps, this.#recipe);
        here = this.#moment(trainer, epoch, first);
        for await (const { x, targets, labels } of loader.epoch(epoch, first)) {
          lambda = lambdaAt(epoch, step / loader.steps, this.#recipe);
          lr = learningRateAt(this.#globalStep, loader.steps, this.#recipe);
          if (this.#recipe.fuseAtDecay && lambda === 1 && this.#config.form === 'train') {
            trainer = await this.#fused(trainer);
          }
          const { ema: emaDecay } = this.#recipe;
          const optimizer = optimizerAt(lr, this.#recipe);
          const { loss, logits } = await trainer.step(x, targets, {
            lambda,
            optimizer,
            ...(emaDecay > 0 ? { emaDecay } : {}),
          });
          step++;
          this.#globalStep++;
          this.#where = `epoch ${epoch + 1}, step ${step}`;
          if (!Number.isFinite(loss)) requireFiniteLoss(this.#where, loss, trainer.firstNonFinite());
          this.#tally = tally(this.#tally, loss, logits, labels);
          const { top5: _, ...soFar } = scoresOf(this.#tally);
          const at = { epoch: epoch + 1, lambda, lr, global_step: this.#globalStep };
          const rate = (1000 * (step - first) * batchSize) / (performance.now() - started);
          here = this.#moment(trainer, epoch, step);
          yield {
            ...{ kind: 'step', ...at, step, steps: loader.steps, ...soFar, images_per_second: rate },
            weights: () => this.#weights(trainer, lambda),
            checkpoint: here.checkpoint,
          };
          // Whoever waits for a signal or a file gets a turn.
          await platform.nextTurn();
        }
        const seconds = (performance.now() - started) / 1000;
        // The last step of an epoch has no loss after it.
        requireFinite(this.#where, await trainer.state());
        const evaluate = async (useEma: boolean): Promise<Scores | undefined> =>
          heldOut === null ? undefined : this.#evaluate(trainer, heldOut, { lambda, useEma }, here);
        const validation = await evaluate(false);
        const ema = this.#recipe.ema === 0 ? undefined : await evaluate(true);
        const improved = this.#compare(trainer, lambda, epoch + 1, validation, ema);
        const scores = scoresOf(this.#tally);
        this.#tally = NOTHING;
        yield {
          ...{ kind: 'epoch', epoch: epoch + 1, lambda, lr, global_step: this.#globalStep, train: scores },
          ...(validation === undefined ? {} : { validation }),
          ...(ema === undefined ? {} : { ema }),
          seconds,
          images_per_second: ((step - first) * batchSize) / seconds,
          idle: (loader.waited - waitedBefore) / 1000 / seconds,
          fused: this.#config.form === 'deploy',
          improved,
          weights: () => this.#weights(trainer, lambda),
          checkpoint: this.#moment(trainer, epoch + 1, 0).checkpoint,
        };
      }
      return { ...(await this.#weights(trainer, 1)), best: this.#best, bestFusable: this.#bestFusable };
    } catch (error) {
      // The network is as its last step left it, and lives no longer than this.
      const isOfData = error instanceof DataError || error instanceof LoaderError;
      if (isOfData && here !== null) await this.#options.between?.({ ...here, error });
      throw error;
    } finally {
      for (const close of closing.reverse()) await close();
    }
  }

  #open(from: Pick<TrainerOptions, 'state' | 'resume'>): Trainer | Promise<Trainer> {
    const { openTrainer = oracleTrainer } = this.#options;
    const { batchSize, gradAccumSteps, seed, loss, ema } = this.#recipe;
    return openTrainer(this.#config, { batchSize, gradAccumSteps, seed, loss, ema: ema > 0, ...from });
  }

  /** The shallow network in the deep one's place, and its average likewise; its moments begin anew. */
  async #fused(trainer: Trainer): Promise<Trainer> {
    const fuse = (state: StateDict) => fuseState(requireFinite(this.#where, state), { ...this.#config, lambda: 1 });
    const { state, config } = fuse(await trainer.state());
    const average = this.#recipe.ema > 0 ? { ema: fuse(await trainer.ema()).state } : {};
    trainer.dispose();
    this.#config = config;
    return this.#open({ resume: { state, optimizer: new Map(), steps: 0, ...average } });
  }

  /** By the plain cross-entropy, whatever loss it is trained on: what `eval` tells, and what runs compare by. */
  async #evaluate(
    trainer: Trainer,
    loader: Loader,
    options: Required<EvaluateOptions>,
    here: ResumePoint | null,
  ): Promise<Scores> {
    const { useEma } = options;
    const { between } = this.#options;
    let sum = NOTHING;
    for await (const { x, targets, labels } of loader.epoch(0)) {
      const { logits } = await trainer.evaluate(x, targets, options);
      const loss = meanCrossEntropy(logits, labels);
      if (!Number.isFinite(loss) || !allFinite(logits)) {
        const where = `the ${useEma ? 'average' : 'network'} on held-out images, after ${this.#where}`;
        requireFiniteLoss(where, Number.isFinite(loss) ? NaN : loss, trainer.firstNonFinite());
      }
      sum = tally(sum, loss, logits, labels);
      if (between === undefined || here === null) continue;
      // As after a step: a signal gets its turn.
      await platform.nextTurn();
      await between(here);
    }
    return scoresOf(sum);
  }

  /** Keeps what is best so far; without held-out images the last is. */
  #compare(trainer: Trainer, lambda: number, epoch: number, validation?: Scores, ema?: Scores): Improved {
    const useEma = ema !== undefined && validation !== undefined && ema.top1 > validation.top1;
    const top1 = useEma ? ema.top1 : (validation?.top1 ?? null);
    const beats = (best: Best | null): boolean => best === null || top1 === null || top1 > (best.top1 ?? 0);
    const weights = (): Promise<Weights> => this.#weights(trainer, lambda, useEma);
    const isBest = beats(this.#best);
    const isBestFusable = lambda === 1 && beats(this.#bestFusable);
    if (isBest) this.#best = { epoch, top1 };
    if (isBestFusable) this.#bestFusable = { epoch, top1 };
    return { ...(isBest ? { best: weights } : {}), ...(isBestFusable ? { bestFusable: weights } : {}) };
  }

  async #weights(trainer: Trainer, lambda: number, useEma = false): Promise<Weights> {
    const config = { ...this.#config, lambda };
    const state = await (useEma ? trainer.ema() : trainer.state());
    return { state: requireFinite(this.#where, state), config };
  }

  /** @param step of the epoch that are done; those of a whole one are not yet its end: the evaluation comes first */
  #moment(trainer: Trainer, epoch: number, step: number): Omit<ResumePoint, 'error'> {
    return {
      globalStep: this.#globalStep,
      checkpoint: async () => ({
        config: this.#config,
        recipe: this.#recipe,
        images: this.#data.train.n,
        epoch,
        step,
        globalStep: this.#globalStep,
        tally: this.#tally,
        best: this.#best,
        bestFusable: this.#bestFusable,
        snapshot: this.#whole(await trainer.snapshot()),
      }),
    };
  }

  /** One that a run can go on from. */
  #whole(snapshot: Snapshot): Snapshot {
    requireFinite(this.#where, snapshot.state);
    if (snapshot.ema !== undefined) requireFinite(this.#where, snapshot.ema);
    requireFiniteMoments(this.#where, snapshot.optimizer);
    return snapshot;
  }
}
