import { isRecord, show } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { openLoader, type Loader, type LoaderOptions } from '../data/loader/loader.js';
import type { DataSet } from '../data/sets/dataset.js';
import { remainingFit } from '../data/sets/remainingFit.js';
import { oracleTrainer } from './oracleTrainer.js';
import type { Recipe } from './recipe.js';
import type { RunOptions, TrainingData } from './runOptions.js';
import type { Trainer, TrainerOptions } from './trainer.js';

const METHODS = [
  'step',
  'evaluate',
  'state',
  'ema',
  'snapshot',
  'firstNonFinite',
  'dispose',
] satisfies (keyof Trainer)[];

/** Requires the methods of a trainer, because the option `openTrainer` is a function of the caller. @throws ParamError */
function checkTrainer(value: Trainer): Trainer {
  const methods: Partial<Record<string, unknown>> = isRecord(value) ? value : {};
  const missing = METHODS.filter((name) => typeof methods[name] !== 'function');
  if (missing.length === 0) return value;
  const got = missing.length === METHODS.length ? show(value) : `one without ${missing.join(', ')}`;
  throw new ParamError({ op: 'openTrainer', expected: 'a function that returns a trainer', got });
}

/**
 * Opens the trainer of a run: with initial weights of the caller or drawn from the seed, or with the state to resume from.
 *
 * @throws ParamError if the option `openTrainer` returns something else
 */
export async function openTrainer(
  config: ModelConfig,
  { batchSize, gradAccumSteps, seed, initTruncation, loss, ema, runningVar, freeze: parts }: Recipe,
  { openTrainer: open = oracleTrainer, state }: RunOptions,
  resume?: TrainerOptions['resume'],
): Promise<Trainer> {
  // Fusion on the way leaves no batch norms.
  const freeze = config.form === 'deploy' ? parts.filter((part) => part !== 'bn') : parts;
  const options = { batchSize, gradAccumSteps, seed, initTruncation, loss, ema: ema > 0, runningVar, freeze };
  const start = resume === undefined ? (state === undefined ? {} : { state }) : { resume };
  return checkTrainer(await open(config, { ...options, ...start }));
}

/** What a run computes with, and must close at its end. */
export interface RunResources {
  /** Replaced when the network is fused during the run. */
  trainer: Trainer;
  readonly trainLoader: Loader;
  /** Null without held-out images. */
  readonly heldOutLoader: Loader | null;
  close(): Promise<void>;
}

/** The loader's option `fit` for held-out images: as the configuration says, which the weights will record. */
function heldOutFit(set: DataSet, config: ModelConfig): Pick<LoaderOptions, 'fit'> {
  const remaining = remainingFit(set, config, 'validation');
  if (remaining === null) return {};
  const { size: _, ...fit } = remaining;
  return { fit };
}

/**
 * Opens the trainer and the loaders. If one of them fails to open, those before it are closed.
 *
 * @throws ParamError, ShapeError, WeightsError, BackendUnavailableError, DataError
 */
export async function openResources(
  { train, validation }: TrainingData,
  config: ModelConfig,
  recipe: Recipe,
  options: RunOptions,
): Promise<RunResources> {
  const { seed, batchSize, smoothing, augment, mixup, cutmix, mixupProb, mixupSwitchProb: switchProb } = recipe;
  const { workers = 0, resume } = options;
  const { mean, std, input_size: inputSize } = config;
  const common = { mean, std, inputSize, seed, workers };
  const loaders: Loader[] = [];
  const trainer = await openTrainer(config, recipe, options, resume?.snapshot);
  const resources = {
    trainer,
    async close() {
      for (const loader of [...loaders].reverse()) await loader.dispose();
      resources.trainer.dispose();
    },
  };
  try {
    const mix = { mixup, cutmix, mixupProb, switchProb };
    const trainLoader = await openLoader(train, { ...common, ...mix, batchSize, smoothing, augment });
    loaders.push(trainLoader);
    if (validation === null) return Object.assign(resources, { trainLoader, heldOutLoader: null });
    const heldOutLoader = await openLoader(validation, {
      ...common,
      ...heldOutFit(validation, config),
      batchSize: Math.min(trainer.evaluationBatch, validation.n),
      shuffle: false,
      dropLast: false,
    });
    loaders.push(heldOutLoader);
    return Object.assign(resources, { trainLoader, heldOutLoader });
  } catch (error) {
    await resources.close();
    throw error;
  }
}
