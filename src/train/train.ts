import { cosineAnnealing, lambdaSchedule, uniform } from '../../reference/index.js';
import { ParamError } from '../core/errors.js';
import type { ModelConfig } from '../core/config.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { mapSizes } from '../core/shapes.js';
import type { ImageSet } from '../data/dataset.js';
import { batchOf } from '../data/normalise.js';
import { oracleTrainer, type Trainer } from './trainer.js';

export interface TrainOptions {
  readonly epochs: number;
  /** Epochs over which λ rises from 0 to 1; so far below `epochs` that the last step is at 1. */
  readonly decayEpochs: number;
  readonly lambdaSchedule: 'linear' | 'cosine';
  /** An incomplete last batch is left out, as the article does: 2 to the size of the set. */
  readonly batchSize: number;
  /** Of Adam; annealed to 0 along a cosine, step by step. */
  readonly lr: number;
  readonly weightDecay: number;
  readonly smoothing: number;
  readonly seed: number;
}

/** After every step, and, with `validation`, after every epoch. */
export interface Progress {
  /** From 1. */
  readonly epoch: number;
  /** Steps made in this epoch, and how many it has. */
  readonly step: number;
  readonly steps: number;
  readonly lambda: number;
  readonly lr: number;
  /** Over this epoch so far, weighted by samples: loss in nats, top-1 accuracy in [0, 1]. */
  readonly loss: number;
  readonly accuracy: number;
  readonly validation?: { readonly loss: number; readonly accuracy: number };
  /** The train form as it stands; copied when asked for. */
  readonly state: () => StateDict;
}

/** Shuffles are drawn from streams of their own, past those of the parameters and below those of dropout. */
const SHUFFLE_STREAM = 2 ** 30;

/** Fisher-Yates from the run's seed and the epoch. */
function shuffled(n: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, SHUFFLE_STREAM + epoch, i) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function correct(logits: FloatArray, targets: readonly number[]): number {
  const classes = logits.length / targets.length;
  return targets.filter((target, i) => {
    const row = i * classes;
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[row + c] > logits[row + best]) best = c;
    return best === target;
  }).length;
}

function refuse(op: string, expected: string, got: unknown): never {
  throw new ParamError({ op, expected, got: String(got) });
}

function checkImages(
  op: 'train' | 'validation',
  set: ImageSet,
  { in_chans, num_classes, input_size }: ModelConfig,
): void {
  const wanted = [in_chans, ...input_size].join('x');
  const has = [set.channels, set.height, set.width].join('x');
  if (wanted !== has) refuse(op, `images of ${wanted}`, has);
  if (set.classNames.length !== num_classes)
    refuse('num_classes', `${set.classNames.length}, as the data`, num_classes);
}

function check(set: ImageSet, validation: ImageSet | null, config: ModelConfig, o: TrainOptions): void {
  const { input_size, form } = config;
  if (form !== 'train') refuse('train', 'the train form', `the ${form} form`);
  checkImages('train', set, config);
  if (validation !== null) checkImages('validation', validation, config);
  if (!Number.isSafeInteger(o.epochs) || o.epochs < 1) refuse('epochs', 'an integer >= 1', o.epochs);
  if (!Number.isSafeInteger(o.batchSize) || o.batchSize < 2 || o.batchSize > set.n) {
    refuse('batchSize', `an integer from 2 to the ${set.n} images`, o.batchSize);
  }
  const steps = Math.floor(set.n / o.batchSize);
  const lastStep = o.epochs - 1 + (steps - 1) / steps;
  if (!(o.decayEpochs >= 0 && o.decayEpochs <= lastStep)) {
    refuse('decayEpochs', `0 to ${lastStep}, the last step: fusion needs λ = 1 at the end`, o.decayEpochs);
  }
  if (!(o.lr > 0 && o.lr < Infinity)) refuse('lr', 'a number > 0', o.lr);
  if (!(o.weightDecay >= 0 && o.weightDecay < Infinity)) refuse('weightDecay', 'a number >= 0', o.weightDecay);
  if (!(o.smoothing >= 0 && o.smoothing < 1)) refuse('smoothing', 'a number in [0, 1)', o.smoothing);
  if (!Number.isSafeInteger(o.seed) || o.seed < 0 || o.seed >= 2 ** 32)
    refuse('seed', 'an integer in [0, 2^32)', o.seed);
  mapSizes(config, input_size);
}

/**
 * Trains the train form. λ and the learning rate move with every step. Everything
 * drawn (weights, shuffles, dropout) comes from the seed alone.
 *
 * @param validation evaluated after every epoch, at the λ reached
 * @param trainer what makes the steps, new and for these options; the oracle where it is not given
 * @throws ParamError, ShapeError before anything is computed
 */
export function train(
  set: ImageSet,
  validation: ImageSet | null,
  config: ModelConfig,
  options: TrainOptions,
  trainer?: Trainer,
): Generator<Progress, StateDict> {
  check(set, validation, config, options);
  return run(set, validation, config, options, trainer ?? oracleTrainer(config, options));
}

function* run(
  set: ImageSet,
  validation: ImageSet | null,
  config: ModelConfig,
  options: TrainOptions,
  trainer: Trainer,
): Generator<Progress, StateDict> {
  const { epochs, decayEpochs, batchSize, weightDecay, smoothing, seed } = options;
  const { mean, std } = config;
  const batch = (from: ImageSet, positions: ArrayLike<number>): { x: FloatArray; targets: number[] } => ({
    x: batchOf(from, positions, { mean, std, dtype: 'float64' }),
    targets: Array.from(positions, (i) => from.labels[i]),
  });

  const shares = (targets: readonly number[]): FloatArray => {
    const all = new Float64Array(targets.length * config.num_classes).fill(smoothing / config.num_classes);
    targets.forEach((target, i) => {
      all[i * config.num_classes + target] += 1 - smoothing;
    });
    return all;
  };

  const steps = Math.floor(set.n / batchSize);
  const state = (): StateDict => trainer.state();

  const evaluate = (on: ImageSet, lambda: number): { loss: number; accuracy: number } => {
    let [loss, hits] = [0, 0];
    for (let from = 0; from < on.n; from += trainer.evaluationBatch) {
      const count = Math.min(trainer.evaluationBatch, on.n - from);
      const { x, targets } = batch(
        on,
        Array.from({ length: count }, (_, i) => from + i),
      );
      const answer = trainer.evaluate(x, shares(targets), { lambda });
      loss += count * answer.loss;
      hits += correct(answer.logits, targets);
    }
    return { loss: loss / on.n, accuracy: hits / on.n };
  };

  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(set.n, seed, epoch);
    let [loss, hits, seen] = [0, 0, 0];
    for (let step = 0; step < steps; step++) {
      const lambda = lambdaSchedule(epoch + step / steps, { schedule: options.lambdaSchedule, decayEpochs });
      const lr = cosineAnnealing(epoch * steps + step, { baseLr: options.lr, tMax: epochs * steps });
      const { x, targets } = batch(set, order.subarray(step * batchSize, (step + 1) * batchSize));
      const made = trainer.step(x, shares(targets), { lambda, optimiser: { kind: 'adam', lr, weightDecay } });
      loss += made.loss * batchSize;
      hits += correct(made.logits, targets);
      seen += batchSize;
      const last = step + 1 === steps;
      yield {
        epoch: epoch + 1,
        step: step + 1,
        steps,
        lambda,
        lr,
        loss: loss / seen,
        accuracy: hits / seen,
        ...(last && validation !== null ? { validation: evaluate(validation, lambda) } : {}),
        state,
      };
    }
  }
  return state();
}
