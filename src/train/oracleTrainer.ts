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
  type State,
  type Tensor,
  type Training,
} from '../../reference/index.js';
import { checkKeys, checkObject } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { frozenTensors } from '../core/freeze.js';
import { checkModelConfig } from '../core/network.js';
import { inModelOrder } from '../core/parameters.js';
import { resolveStep } from '../core/optimizer.js';
import { familyAfter, familyOf, refuseAverage, type Resume } from '../core/resume.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { checkBatch, checkOpening } from '../core/trainingRules.js';
import { toOracleConfig } from '../oracle/backend.js';
import { fromOracle, stateFromOracle, stateToOracle, toOracle } from '../oracle/state.js';
import {
  checkEvaluateArguments,
  checkStepArguments,
  firstState,
  TRAINER_KEYS,
  type Trainer,
  type TrainerOptions,
} from './trainer.js';

/** The moments, with the names of a snapshot. */
const momentsOf = ({ moments, buffers = new Map<string, Tensor>() }: Training, config: ModelConfig): StateDict => {
  const all = new Map([
    ...[...moments].map(([name, { m }]) => [`exp_avg.${name}`, fromOracle(m)] as const),
    ...[...moments].map(([name, { v }]) => [`exp_avg_sq.${name}`, fromOracle(v)] as const),
    ...[...buffers].map(([name, buffer]) => [`momentum_buffer.${name}`, fromOracle(buffer)] as const),
  ]);
  return inModelOrder(all, config);
};

/** A state with some tensors of another one. */
const withTensors = (state: State, other: State, names: ReadonlySet<string>): State =>
  new Map([...state].map(([name, tensor]) => [name, (names.has(name) ? other.get(name) : undefined) ?? tensor]));

function trainingFrom(state: StateDict, resume: Resume | undefined): Training {
  const start = startTraining(stateToOracle(state));
  if (resume === undefined) return start;
  const moments = new Map<string, AdamMoments>();
  const buffers = new Map<string, Tensor>();
  for (const [name, tensor] of resume.optimizer) {
    const [, part, parameter] = /^(exp_avg|momentum_buffer)\.(.*)$/.exec(name) ?? [];
    const v = resume.optimizer.get(`exp_avg_sq.${parameter}`);
    if (part === 'exp_avg' && v !== undefined) moments.set(parameter, { m: toOracle(tensor), v: toOracle(v) });
    if (part === 'momentum_buffer') buffers.set(parameter, toOracle(tensor));
  }
  return { ...start, moments, buffers, step: resume.steps };
}

/**
 * Creates a trainer that computes with the float64 reference: some hundred small images per second, for understanding
 * and comparison. It accepts batches of any size.
 *
 * @param options `batchSize`, if given, is checked now instead of in the first step
 * @throws WeightsError for weights of another network, ParamError for an option out of range
 */
export function oracleTrainer(config: ModelConfig, options: TrainerOptions & { readonly batchSize?: number }): Trainer {
  checkModelConfig(config);
  checkKeys(checkObject('options', options), TRAINER_KEYS, (key) => key);
  const network = toOracleConfig(config);
  const {
    seed,
    resume,
    loss: kind = 'cross-entropy',
    gradAccumSteps = 1,
    runningVar = 'unbiased',
    freeze = [],
    batchSize,
  } = options;
  if (batchSize !== undefined) checkBatch(batchSize, gradAccumSteps, config);
  const first = firstState(config, options);
  checkOpening(first, config, options);
  const frozen = frozenTensors(freeze, config);
  let training = trainingFrom(first, resume);
  let family = familyOf(resume);
  let average = options.ema === true ? stateToOracle(resume?.ema ?? first) : null;
  const batch = (x: FloatArray, n: number): Tensor => tensor(x, [n, config.in_chans, ...config.input_size]);
  const shares = (targets: FloatArray): Tensor =>
    tensor(targets, [targets.length / config.num_classes, config.num_classes]);
  // Recomputes the last pass for `firstNonFinite`, so that no activations are stored.
  let lastPass: (() => ReturnType<typeof forward>) | null = null;
  return {
    evaluationBatch: 100,
    step(x, targets, options) {
      checkStepArguments(config, x, targets, options);
      const { lambda, optimizer, emaDecay } = options;
      checkBatch(targets.length / config.num_classes, gradAccumSteps, config);
      const q = shares(targets);
      const { kind: optimizerKind, ...step } = resolveStep(optimizer);
      const next = familyAfter(optimizerKind, family);
      const [before, images] = [training, batch(x, q.shape[0])];
      lastPass = () =>
        forward(network, before.state, images, { training: true, lambda, frozen, seed, step: before.step });
      const result = trainStep(network, training, images, q, {
        ...step,
        optimizer: optimizerKind,
        lambda,
        seed,
        loss: kind,
        gradAccumSteps,
        runningVar,
        frozen,
      });
      [training, family] = [result.training, next];
      if (emaDecay !== undefined) {
        average = ema(average ?? refuseAverage(), training.state, emaDecay);
        // decay·e + (1 − decay)·e may differ from e in the last bit.
        average = withTensors(average, training.state, frozen);
      }
      return { loss: result.loss, logits: valuesOf(result.logits) };
    },
    evaluate(x, targets, options) {
      checkEvaluateArguments(config, x, targets, options);
      const { lambda, useEma = false } = options;
      const q = shares(targets);
      const state = useEma ? (average ?? refuseAverage()) : training.state;
      const images = batch(x, q.shape[0]);
      lastPass = () => forward(network, state, images, { training: false, lambda });
      const { logits } = lastPass();
      return { loss: (kind === 'bce' ? bceWithLogits : crossEntropy)(logits, q), logits: valuesOf(logits) };
    },
    state: () => stateFromOracle(training.state),
    ema: () => stateFromOracle(average ?? refuseAverage()),
    snapshot: () => ({
      state: stateFromOracle(training.state),
      optimizer: momentsOf(training, config),
      steps: training.step,
      ...(average === null ? {} : { ema: stateFromOracle(average) }),
    }),
    firstNonFinite: () =>
      lastPass?.().steps.find(({ trace }) => !valuesOf(trace.y).every(Number.isFinite))?.layer.name ?? null,
    dispose: () => undefined,
  };
}
