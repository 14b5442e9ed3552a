import type { ModelConfig } from '../core/config.js';
import type { OptimizerStep } from '../core/optimizer.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { checkBatch, type OpeningOptions } from '../core/trainingRules.js';
import { joinPasses, microBatches } from './microBatches.js';
import { firstState, type Outcome, type Snapshot, type Trainer, type TrainerOptions } from './trainer.js';

interface PassResult {
  /** Image by image. */
  readonly losses: Float64Array;
  readonly logits: FloatArray;
}

/** What is used of `TfjsTraining`. */
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

/** What is used of a `TfjsBackend`, whose own types are TensorFlow.js's: not everybody who trains has them. */
interface TensorBackend {
  train(state: StateDict, config: ModelConfig, options: OpeningOptions): Promise<TensorTraining>;
}

/**
 * An engine of TensorFlow.js: float32, and its last digits are the engine's.
 *
 * @param backend from `createTfjsBackend` of vanillanet/tfjs
 *
 * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError where the engine does not train
 */
export async function tfjsTrainer(
  backend: TensorBackend,
  config: ModelConfig,
  { batchSize, ...options }: TrainerOptions & { readonly batchSize: number },
): Promise<Trainer> {
  const { gradAccumSteps = 1 } = options;
  checkBatch(batchSize, gradAccumSteps, config);
  const training = await backend.train(firstState(config, options), config, options);
  const outcome = ({ losses, logits }: { readonly losses: Float64Array; readonly logits: FloatArray }): Outcome => ({
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    logits,
  });
  return {
    evaluationBatch: batchSize / gradAccumSteps,
    async step(x, targets, { lambda, optimizer, emaDecay }) {
      checkBatch(targets.length / config.num_classes, gradAccumSteps, config);
      const made: Outcome[] = [];
      for (const part of microBatches(x, targets, gradAccumSteps)) {
        const passed = outcome(await training.pass(part.x, part.targets, lambda));
        made.push(passed);
        if (!Number.isFinite(passed.loss)) return joinPasses(made);
      }
      await training.optimize(optimizer);
      if (emaDecay !== undefined) await training.ema(emaDecay);
      return joinPasses(made);
    },
    evaluate: async (x, targets, { lambda, useEma = false }) =>
      outcome(await training.evaluate(x, targets, lambda, { useEma })),
    state: () => training.state(),
    ema: () => training.emaState(),
    snapshot: () => training.snapshot(),
    firstNonFinite: () => training.firstNonFinite(),
    dispose() {
      training.dispose();
    },
  };
}
