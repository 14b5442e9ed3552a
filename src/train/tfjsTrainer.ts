import { checkFunction, checkKeys, checkObject } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import type { OptimizerStep } from '../core/optimizer.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { checkBatch, OPENING_KEYS, type OpeningOptions } from '../core/trainingRules.js';
import { joinPasses, microBatches } from './microBatches.js';
import {
  checkEvaluateArguments,
  checkStepArguments,
  firstState,
  TRAINER_KEYS,
  type Outcome,
  type Snapshot,
  type Trainer,
  type TrainerOptions,
} from './trainer.js';

interface PassResult {
  /** Loss of each image. */
  readonly losses: Float64Array;
  readonly logits: FloatArray;
}

/** The methods of `TfjsTraining` that are used here. */
interface TensorTraining {
  pass(x: FloatArray, targets: FloatArray, lambda: number): Promise<PassResult>;
  evaluate(x: FloatArray, targets: FloatArray, lambda: number, options: { useEma: boolean }): Promise<PassResult>;
  optimize(step: OptimizerStep): Promise<void>;
  ema(decay: number): Promise<void>;
  state(): Promise<StateDict>;
  emaState(): Promise<StateDict>;
  snapshot(): Promise<Snapshot>;
  firstNonFinite(): string | null;
  dispose(): void;
}

/** The method of `TfjsBackend` that is used here. Its own type needs TensorFlow.js's types, which are optional. */
interface TensorBackend {
  train(state: StateDict, config: ModelConfig, options: OpeningOptions): Promise<TensorTraining>;
}

/**
 * Creates a trainer that computes with an engine of TensorFlow.js, in float32. Rounding differs between engines.
 *
 * @param backend from `createTfjsBackend` of vanillanet/tfjs
 * @throws WeightsError for weights of another network; ParamError, ShapeError for an option or input size out of range
 * @throws BackendUnavailableError if the engine cannot train
 */
export async function tfjsTrainer(
  backend: TensorBackend,
  config: ModelConfig,
  trainerOptions: TrainerOptions & { readonly batchSize: number },
): Promise<Trainer> {
  checkFunction('backend.train', (checkObject('backend', backend) as Partial<Record<'train', unknown>>).train);
  checkKeys(checkObject('options', trainerOptions), TRAINER_KEYS, (key) => key);
  const { batchSize, gradAccumSteps = 1 } = trainerOptions;
  checkBatch(batchSize, gradAccumSteps, config);
  const opening = Object.fromEntries(OPENING_KEYS.map((key) => [key, trainerOptions[key]])) as OpeningOptions;
  const training = await backend.train(firstState(config, trainerOptions), config, opening);
  // A backend of a caller without types may return anything.
  const { pass, dispose } = checkObject('backend.train', training) as Partial<Record<'pass' | 'dispose', unknown>>;
  checkFunction('backend.train: pass of its result', pass);
  checkFunction('backend.train: dispose of its result', dispose);
  const outcome = ({ losses, logits }: { readonly losses: Float64Array; readonly logits: FloatArray }): Outcome => ({
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    logits,
  });
  return {
    evaluationBatch: batchSize / gradAccumSteps,
    async step(x, targets, stepOptions) {
      checkStepArguments(config, x, targets, stepOptions);
      const { lambda, optimizer, emaDecay } = stepOptions;
      checkBatch(targets.length / config.num_classes, gradAccumSteps, config);
      const outcomes: Outcome[] = [];
      for (const part of microBatches(x, targets, gradAccumSteps)) {
        const result = outcome(await training.pass(part.x, part.targets, lambda));
        outcomes.push(result);
        if (!Number.isFinite(result.loss)) return joinPasses(outcomes);
      }
      await training.optimize(optimizer);
      if (emaDecay !== undefined) await training.ema(emaDecay);
      return joinPasses(outcomes);
    },
    async evaluate(x, targets, options) {
      checkEvaluateArguments(config, x, targets, options);
      const { lambda, useEma = false } = options;
      return outcome(await training.evaluate(x, targets, lambda, { useEma }));
    },
    state: () => training.state(),
    ema: () => training.emaState(),
    snapshot: () => training.snapshot(),
    firstNonFinite: () => training.firstNonFinite(),
    dispose() {
      training.dispose();
    },
  };
}
