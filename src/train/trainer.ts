/** What makes the steps of a training run: the oracle, or WebAssembly. */
import {
  bceWithLogits,
  crossEntropy,
  ema,
  forward,
  startTraining,
  tensor,
  trainStep,
  valuesOf,
  type AdamMoments,
  type Tensor,
  type Training,
} from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { inOrder } from '../core/parameters.js';
import { resolveStep, type Loss, type OptimiserStep } from '../core/optimiser.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { toOracleConfig } from '../oracle/backend.js';
import { fromOracle, stateFromOracle, stateToOracle, toOracle } from '../oracle/state.js';
import type { TfjsBackend } from '../tfjs/index.js';
import { TrainingSession, type TrainingOptions } from '../wasm/training/session.js';
import { initialState } from './initialState.js';
import { joined, partsOf } from './microBatches.js';

/** How a step is to be made. */
export interface StepOptions {
  /** Slope of the deep-training activations, in [0, 1]. */
  readonly lambda: number;
  readonly optimiser: OptimiserStep;
  /** Decay of the averaged state, for trainers opened with `ema`; without one the average does not move. */
  readonly emaDecay?: number;
}

export interface EvaluateOptions {
  readonly lambda: number;
  /** Evaluate the averaged state instead. */
  readonly useEma?: boolean;
}

export interface Outcome {
  /** In nats, averaged over the images. */
  readonly loss: number;
  /** [n, num_classes] */
  readonly logits: FloatArray;
}

/** All that a run needs to go on as if it had not been interrupted; copies. */
export interface Snapshot {
  /** Parameters and running statistics. */
  readonly state: StateDict;
  /** `exp_avg.<param>` and `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; empty before the first step. */
  readonly optimiser: StateDict;
  /** Steps made so far. */
  readonly steps: number;
  /** The averaged state, where there is one. */
  readonly ema?: StateDict;
}

export interface TrainerOptions {
  readonly seed: number;
  /** Default cross-entropy. */
  readonly loss?: Loss;
  /** Whether an average of the state is kept. Default false. */
  readonly ema?: boolean;
  /**
   * Micro-batches that each batch is passed in, one after the other; gradients are averaged over
   * them. They divide the batch. Default 1.
   */
  readonly gradAccumSteps?: number;
  /** Initial weights; drawn from the seed where they are not given. */
  readonly state?: StateDict;
  /** Where to go on from; its state is the initial one. */
  readonly resume?: Snapshot;
}

/** Now, or when the device has been read. */
export type Soon<T> = T | Promise<T>;

/**
 * A network in training. Images are [n,in_chans,h,w], normalised; targets
 * [n,num_classes], the share of each class in each image. One call at a time.
 */
export interface Trainer {
  /** Images that `evaluate` takes at most. */
  readonly evaluationBatch: number;
  /**
   * Forward, backward, optimiser, average: of a whole batch. Loss and logits are those before
   * the step. Where a micro-batch's loss is no number, the step ends there, and nothing is moved.
   */
  step(x: FloatArray, targets: FloatArray, options: StepOptions): Soon<Outcome>;
  evaluate(x: FloatArray, targets: FloatArray, options: EvaluateOptions): Soon<Outcome>;
  /** The network as it stands; a copy. */
  state(): Soon<StateDict>;
  /** The averaged state; a copy. @throws ParamError where none is kept */
  ema(): Soon<StateDict>;
  snapshot(): Soon<Snapshot>;
  /**
   * The first layer whose output, in the last step or evaluation, has a value that is no number; null where none
   * has, or where it is not known: TensorFlow.js looks at steps only.
   */
  firstNonFinite(): string | null;
  dispose(): void;
}

function noEma(): never {
  throw new ParamError({ op: 'ema', expected: 'a training opened with ema', got: 'one without' });
}

/** What a training begins with. */
const firstState = (config: ModelConfig, { seed, state, resume }: TrainerOptions): StateDict =>
  resume?.state ?? state ?? initialState(config, seed);

/** Moments under the names of a snapshot. */
const momentsOf = ({ moments, buffers = new Map<string, Tensor>() }: Training, config: ModelConfig): StateDict => {
  const all = new Map([
    ...[...moments].map(([name, { m }]) => [`exp_avg.${name}`, fromOracle(m)] as const),
    ...[...moments].map(([name, { v }]) => [`exp_avg_sq.${name}`, fromOracle(v)] as const),
    ...[...buffers].map(([name, buffer]) => [`momentum_buffer.${name}`, fromOracle(buffer)] as const),
  ]);
  return inOrder(all, config);
};

function trainingFrom(state: StateDict, resume: Snapshot | undefined): Training {
  const start = startTraining(stateToOracle(state));
  if (resume === undefined) return start;
  const moments = new Map<string, AdamMoments>();
  const buffers = new Map<string, Tensor>();
  for (const [name, tensor] of resume.optimiser) {
    const [, part, of] = /^(exp_avg|momentum_buffer)\.(.*)$/.exec(name) ?? [];
    const v = resume.optimiser.get(`exp_avg_sq.${of}`);
    if (part === 'exp_avg' && v !== undefined) moments.set(of, { m: toOracle(tensor), v: toOracle(v) });
    if (part === 'momentum_buffer') buffers.set(of, toOracle(tensor));
  }
  return { ...start, moments, buffers, step: resume.steps };
}

/** The float64 oracle: a hundred narrow images a second, for understanding. */
export function oracleTrainer(config: ModelConfig, options: TrainerOptions): Trainer {
  const network = toOracleConfig(config);
  const { seed, resume, loss: kind = 'cross-entropy', gradAccumSteps = 1 } = options;
  const first = firstState(config, options);
  let training = trainingFrom(first, resume);
  let average = options.ema === true ? stateToOracle(resume?.ema ?? first) : null;
  const batch = (x: FloatArray, n: number): Tensor => tensor(x, [n, config.in_chans, ...config.input_size]);
  const shares = (targets: FloatArray): Tensor =>
    tensor(targets, [targets.length / config.num_classes, config.num_classes]);
  // Nothing is kept but what it takes to make the last pass again, for the rare case that somebody asks.
  let lastPass: (() => ReturnType<typeof forward>) | null = null;
  return {
    evaluationBatch: 100,
    step(x, targets, { lambda, optimiser, emaDecay }) {
      const q = shares(targets);
      const { kind: by, ...step } = resolveStep(optimiser);
      const [before, images] = [training, batch(x, q.shape[0])];
      lastPass = () => forward(network, before.state, images, { training: true, lambda, seed, step: before.step });
      const made = trainStep(network, training, images, q, {
        ...step,
        optimiser: by,
        lambda,
        seed,
        loss: kind,
        gradAccumSteps,
      });
      training = made.training;
      if (emaDecay !== undefined) average = ema(average ?? noEma(), training.state, emaDecay);
      return { loss: made.loss, logits: valuesOf(made.logits) };
    },
    evaluate(x, targets, { lambda, useEma = false }) {
      const q = shares(targets);
      const state = useEma ? (average ?? noEma()) : training.state;
      const images = batch(x, q.shape[0]);
      lastPass = () => forward(network, state, images, { training: false, lambda });
      const { logits } = lastPass();
      return { loss: (kind === 'bce' ? bceWithLogits : crossEntropy)(logits, q), logits: valuesOf(logits) };
    },
    state: () => stateFromOracle(training.state),
    ema: () => stateFromOracle(average ?? noEma()),
    snapshot: () => ({
      state: stateFromOracle(training.state),
      optimiser: momentsOf(training, config),
      steps: training.step,
      ...(average === null ? {} : { ema: stateFromOracle(average) }),
    }),
    firstNonFinite: () =>
      lastPass?.().steps.find(({ trace }) => !valuesOf(trace.y).every(Number.isFinite))?.layer.name ?? null,
    dispose: () => undefined,
  };
}

/**
 * The engine: float32, thousands of narrow images a second. The plain build makes the
 * same weights of the same seed on every machine and any number of threads.
 *
 * @throws ParamError, ShapeError, BackendUnavailableError
 */
export async function wasmTrainer(config: ModelConfig, options: TrainingOptions & TrainerOptions): Promise<Trainer> {
  const { gradAccumSteps = 1 } = options;
  const batchSize = options.batchSize / gradAccumSteps;
  const { num_classes, in_chans, input_size } = config;
  const session = await TrainingSession.open(firstState(config, options), config, { ...options, batchSize });
  const image = in_chans * input_size[0] * input_size[1];
  const mean = (losses: Float64Array, n: number): number => losses.subarray(0, n).reduce((a, b) => a + b, 0) / n;
  return {
    evaluationBatch: batchSize,
    step(x, targets, { lambda, optimiser, emaDecay }) {
      const made: Outcome[] = [];
      for (const part of partsOf(x, targets, gradAccumSteps)) {
        const { losses, logits } = session.pass(part.x, part.targets, lambda);
        const loss = mean(losses, batchSize);
        made.push({ loss, logits });
        // The session knows which layer of the last pass went wrong.
        if (!Number.isFinite(loss)) return joined(made);
      }
      session.optimise(optimiser);
      if (emaDecay !== undefined) session.ema(emaDecay);
      return joined(made);
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

/**
 * An engine of TensorFlow.js: float32, and its last digits are the engine's.
 *
 * @throws ParamError, ShapeError, BackendUnavailableError where the engine does not train
 */
export async function tfjsTrainer(
  backend: TfjsBackend,
  config: ModelConfig,
  { batchSize, ...options }: TrainerOptions & { readonly batchSize: number },
): Promise<Trainer> {
  const { gradAccumSteps = 1 } = options;
  const training = await backend.train(firstState(config, options), config, options);
  const outcome = ({ losses, logits }: { readonly losses: Float64Array; readonly logits: FloatArray }): Outcome => ({
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    logits,
  });
  return {
    evaluationBatch: batchSize / gradAccumSteps,
    async step(x, targets, { lambda, optimiser, emaDecay }) {
      const made: Outcome[] = [];
      for (const part of partsOf(x, targets, gradAccumSteps)) {
        const passed = outcome(await training.pass(part.x, part.targets, lambda));
        made.push(passed);
        if (!Number.isFinite(passed.loss)) return joined(made);
      }
      await training.optimise(optimiser);
      if (emaDecay !== undefined) await training.ema(emaDecay);
      return joined(made);
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
