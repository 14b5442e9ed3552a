import type { ModelConfig } from '../core/config.js';
import { checkBatch } from '../core/trainingRules.js';
import { TrainingSession, type TrainingOptions } from '../wasm/training/session.js';
import { joinPasses, microBatches } from './microBatches.js';
import { firstState, type Outcome, type Trainer, type TrainerOptions } from './trainer.js';

/**
 * The engine: float32, thousands of narrow images a second. The plain build makes the
 * same weights of the same seed on every machine and any number of threads.
 *
 * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
 */
export async function wasmTrainer(config: ModelConfig, options: TrainingOptions & TrainerOptions): Promise<Trainer> {
  const { gradAccumSteps = 1 } = options;
  checkBatch(options.batchSize, gradAccumSteps, config);
  const batchSize = options.batchSize / gradAccumSteps;
  const { num_classes, in_chans, input_size } = config;
  const session = await TrainingSession.open(firstState(config, options), config, { ...options, batchSize });
  const image = in_chans * input_size[0] * input_size[1];
  const mean = (losses: Float64Array, n: number): number => losses.subarray(0, n).reduce((a, b) => a + b, 0) / n;
  return {
    evaluationBatch: batchSize,
    step(x, targets, { lambda, optimizer, emaDecay }) {
      const made: Outcome[] = [];
      for (const part of microBatches(x, targets, gradAccumSteps)) {
        const { losses, logits } = session.pass(part.x, part.targets, lambda);
        const loss = mean(losses, batchSize);
        made.push({ loss, logits });
        // The session knows which layer of the last pass went wrong.
        if (!Number.isFinite(loss)) return joinPasses(made);
      }
      session.optimize(optimizer);
      if (emaDecay !== undefined) session.ema(emaDecay);
      return joinPasses(made);
    },
    evaluate(x, targets, { lambda, useEma = false }) {
      const n = targets.length / num_classes;
      // The memory is laid out for whole batches; images do not mix in eval.
      const whole = new Float32Array(batchSize * image);
      const shares = new Float32Array(batchSize * num_classes);
      whole.set(x);
      shares.set(targets);
      const { losses, logits } = session.evaluate(whole, shares, lambda, { useEma });
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
