/** What makes the steps of a training run: the oracle, or WebAssembly. */
import {
  forward,
  initialise,
  labelSmoothingCrossEntropy,
  startTraining,
  tensor,
  trainStep,
  valuesOf,
  type Tensor,
} from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { toOracleConfig } from '../oracle/backend.js';
import { stateFromOracle } from '../oracle/state.js';
import { TrainingSession, type TrainingOptions } from '../wasm/training/session.js';

/** How a step is to be made. */
export interface StepOptions {
  readonly lambda: number;
  /** Label smoothing. */
  readonly smoothing: number;
  /** Of Adam. */
  readonly lr: number;
  /** Coupled. */
  readonly weightDecay: number;
}

export interface Outcome {
  /** In nats, averaged over the images. */
  readonly loss: number;
  /** [n, num_classes] */
  readonly logits: FloatArray;
}

/** A network in training. Images are [n,in_chans,h,w], normalised; targets the class of each. */
export interface Trainer {
  /** Images that `evaluate` takes at most. */
  readonly evaluationBatch: number;
  /** Forward, backward, Adam: of a whole batch. */
  step(x: FloatArray, targets: readonly number[], options: StepOptions): Outcome;
  evaluate(x: FloatArray, targets: readonly number[], options: Pick<StepOptions, 'lambda' | 'smoothing'>): Outcome;
  /** The train form as it stands; a copy. */
  state(): StateDict;
  dispose(): void;
}

/** Initial weights: everything drawn comes from the seed. */
const initialState = (config: ModelConfig, seed: number) => initialise(toOracleConfig(config), { seed });

/** The float64 oracle: a hundred narrow images a second, for understanding. */
export function oracleTrainer(config: ModelConfig, { seed }: { readonly seed: number }): Trainer {
  const network = toOracleConfig(config);
  let training = startTraining(initialState(config, seed));
  const batch = (x: FloatArray, n: number): Tensor => tensor(x, [n, config.in_chans, ...config.input_size]);
  return {
    evaluationBatch: 100,
    step(x, targets, options) {
      const made = trainStep(network, training, batch(x, targets.length), targets, { ...options, seed });
      training = made.training;
      return { loss: made.loss, logits: valuesOf(made.logits) };
    },
    evaluate(x, targets, { lambda, smoothing }) {
      const { logits } = forward(network, training.state, batch(x, targets.length), { training: false, lambda });
      return { loss: labelSmoothingCrossEntropy(logits, targets, smoothing), logits: valuesOf(logits) };
    },
    state: () => stateFromOracle(training.state),
    dispose: () => undefined,
  };
}

/**
 * The engine: float32, thousands of narrow images a second. The plain build makes the
 * same weights of the same seed on every machine and any number of threads.
 *
 * @throws ParamError, ShapeError, BackendUnavailableError
 */
export async function wasmTrainer(
  config: ModelConfig,
  options: TrainingOptions & { readonly seed: number },
): Promise<Trainer> {
  const { batchSize } = options;
  const { num_classes, in_chans, input_size } = config;
  const session = await TrainingSession.open(stateFromOracle(initialState(config, options.seed)), config, options);
  const image = in_chans * input_size[0] * input_size[1];
  const shares = new Float32Array(batchSize * num_classes);
  const spread = (targets: readonly number[], smoothing: number): Float32Array => {
    shares.fill(smoothing / num_classes);
    targets.forEach((target, i) => {
      shares[i * num_classes + target] += 1 - smoothing;
    });
    return shares;
  };
  const mean = (losses: Float64Array, n: number): number => losses.subarray(0, n).reduce((a, b) => a + b, 0) / n;
  return {
    evaluationBatch: batchSize,
    step(x, targets, { lambda, smoothing, lr, weightDecay }) {
      const { losses, logits } = session.pass(x, spread(targets, smoothing), lambda);
      session.adam({ lr, weightDecay });
      return { loss: mean(losses, targets.length), logits };
    },
    evaluate(x, targets, { lambda, smoothing }) {
      // The memory is laid out for whole batches; images do not mix in eval.
      const whole = new Float32Array(batchSize * image);
      whole.set(x);
      const { losses, logits } = session.evaluate(whole, spread(targets, smoothing), lambda);
      return { loss: mean(losses, targets.length), logits: logits.subarray(0, targets.length * num_classes) };
    },
    state: () => session.state(),
    dispose() {
      session.dispose();
    },
  };
}
