import { checkKeys, checkObject } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { checkBatch } from '../core/trainingRules.js';
import { TrainingSession, type TrainingOptions } from '../wasm/training/session.js';
import { joinPasses, microBatches } from './microBatches.js';
import {
  checkEvaluateArguments,
  checkStepArguments,
  firstState,
  TRAINER_KEYS,
  type Outcome,
  type Trainer,
  type TrainerOptions,
} from './trainer.js';

/**
 * Creates a trainer that computes in WebAssembly, in float32: thousands of small images per second. With the plain build,
 * the same seed yields the same weights on every machine and with any number of threads.
 *
 * @throws WeightsError for weights of another network; ParamError, ShapeError for an option or input size out of range
 * @throws BackendUnavailableError if the runtime cannot run the build
 */
export async function wasmTrainer(config: ModelConfig, options: TrainingOptions & TrainerOptions): Promise<Trainer> {
  checkKeys(checkObject('options', options), [...TRAINER_KEYS, 'build', 'threads'], (key) => key);
  const { gradAccumSteps = 1 } = options;
  checkBatch(options.batchSize, gradAccumSteps, config);
  const batchSize = options.batchSize / gradAccumSteps;
  const { num_classes, in_chans, input_size } = config;
  const session = await TrainingSession.open(firstState(config, options), config, { ...options, batchSize });
  const imageLength = in_chans * input_size[0] * input_size[1];
  const mean = (losses: Float64Array, n: number): number => losses.subarray(0, n).reduce((a, b) => a + b, 0) / n;
  return {
    evaluationBatch: batchSize,
    step(x, targets, stepOptions) {
      checkStepArguments(config, x, targets, stepOptions);
      const { lambda, optimizer, emaDecay } = stepOptions;
      const outcomes: Outcome[] = [];
      for (const part of microBatches(x, targets, gradAccumSteps)) {
        const { losses, logits } = session.pass(part.x, part.targets, lambda);
        const loss = mean(losses, batchSize);
        outcomes.push({ loss, logits });
        // Ends here, so that the session can name the first layer that is not finite in this pass.
        if (!Number.isFinite(loss)) return joinPasses(outcomes);
      }
      session.optimize(optimizer);
      if (emaDecay !== undefined) session.ema(emaDecay);
      return joinPasses(outcomes);
    },
    evaluate(x, targets, options) {
      checkEvaluateArguments(config, x, targets, options, batchSize);
      const { lambda, useEma = false } = options;
      const n = targets.length / num_classes;
      // The memory is laid out for complete batches. In evaluation, images do not affect each other: pad with zeros.
      const images = new Float32Array(batchSize * imageLength);
      const paddedTargets = new Float32Array(batchSize * num_classes);
      images.set(x);
      paddedTargets.set(targets);
      const { losses, logits } = session.evaluate(images, paddedTargets, lambda, { useEma });
      return { loss: mean(losses, n), logits: logits.subarray(0, n * num_classes) };
    },
    state: () => session.state(),
    ema: () => session.emaState(),
    snapshot: () => session.snapshot(),
    firstNonFinite: () => session.firstNonFinite(),
    dispose() {
      session.dispose();
    },
  };
}
