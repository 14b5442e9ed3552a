import { accumulate } from './accumulate.js';
import { adam, type AdamMoments, type AdamOptions } from './adam.js';
import { checkConfig, type Config } from './config.js';
import { ParamError } from './errors.js';
import { lamb, lambDivisor } from './lamb.js';
import { pick, type RunningVar, type State } from './layers.js';
import { layerScale } from './layerScale.js';
import { sgd, type SgdOptions } from './sgd.js';
import { full, zeros, type Tensor } from './tensor.js';
import { requireList, requireOneOf, requireOptions, requireRange, requireState, show } from './require.js';

export interface TrainStepOptions extends Omit<AdamOptions, 'decoupled'>, SgdOptions {
  /** λ in [0, 1], the slope of the deep-training activations. */
  readonly lambda: number;
  /** Label smoothing, if the targets are classes. Default 0.1. */
  readonly smoothing?: number;
  /** Cross-entropy (default) or the binary cross-entropy of every class. */
  readonly loss?: 'cross-entropy' | 'bce';
  /** Default 'adam', whose weight decay is an L2 term; that of 'adamw' is decoupled. */
  readonly optimizer?: 'adam' | 'adamw' | 'sgd' | 'lamb';
  /** Whether weight decay applies to parameters with one axis (biases, norms). Default true; false for LAMB. */
  readonly decayVectors?: boolean;
  /** See `layerScale`. Default 1. */
  readonly layerDecay?: number;
  /** The learning rate of the head (`cls…`), to which layer decay does not apply. Default `lr`. */
  readonly headLr?: number;
  /**
   * Names of tensors that stay as they are: parameters have no gradient and no moments, and a batch normalization whose
   * running statistics are among them normalizes by these. Default none.
   */
  readonly frozen?: ReadonlySet<string>;
  /** Seed of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Number of micro-batches, over which the gradients are averaged: see `accumulate`. Default 1. */
  readonly gradAccumSteps?: number;
  /** The variance that updates the running statistics. Default 'unbiased', as in PyTorch. */
  readonly runningVar?: RunningVar;
}

const STEP_KEYS = [
  ...['lr', 'betas', 'eps', 'weightDecay', 'momentum', 'nesterov', 'lambda', 'smoothing', 'loss', 'optimizer'],
  ...['decayVectors', 'layerDecay', 'headLr', 'frozen', 'seed', 'gradAccumSteps', 'runningVar'],
];

/** The state of a training: a step maps it to the next. */
export interface Training {
  /** Parameters and running statistics of the network. */
  readonly state: State;
  /** Moments of Adam, AdamW and LAMB by parameter. */
  readonly moments: ReadonlyMap<string, AdamMoments>;
  /** Momentum buffers of SGD by parameter. */
  readonly buffers?: ReadonlyMap<string, Tensor>;
  /** Number of completed steps. */
  readonly step: number;
}

/** The state of a training before its first step. */
export const startTraining = (state: State): Training => ({
  state: requireState('startTraining', 'state', state),
  moments: new Map(),
  step: 0,
});

/** Smoothed targets: q[i,c] = (1 − s)·[c = t_i] + s/C */
function smoothTargets(targets: readonly number[], classes: number, smoothing: number): Tensor {
  requireList('trainStep', 'targets', targets);
  const shares = full([targets.length, classes], smoothing / classes);
  targets.forEach((target, i) => {
    if (!Number.isInteger(target) || target < 0 || target >= classes) {
      throw new ParamError('trainStep', `targets among 0 … ${classes - 1}`, show(target));
    }
    shares.set(i, target, shares.get(i, target) + 1 - smoothing);
  });
  return shares;
}

const isTensor = (targets: unknown): targets is Tensor =>
  typeof targets === 'object' && targets !== null && 'shape' in targets;

/**
 * One training step: forward in training mode, loss, backward, and a step of the optimizer for every parameter
 * that is not frozen.
 *
 * @param x [n, in_chans, h, w]
 * @param targets class of each image, or the share of each class in each image [n, num_classes]
 * @returns the training after the step (nothing is changed in place), and the loss and logits before it; the loss is
 *   in nats, averaged over the batch
 * @throws ShapeError, ParamError, WeightsError
 */
export function trainStep(
  config: Config,
  training: Training,
  x: Tensor,
  targets: readonly number[] | Tensor,
  options: TrainStepOptions,
): { training: Training; loss: number; logits: Tensor } {
  const {
    state,
    moments,
    buffers: momenta = new Map<string, Tensor>(),
    step,
  } = requireOptions('trainStep', 'training', training);
  const {
    lambda,
    smoothing = 0.1,
    loss: kind = 'cross-entropy',
    seed = 0,
    gradAccumSteps: parts = 1,
    runningVar = 'unbiased',
    optimizer = 'adam',
    decayVectors = optimizer !== 'lamb',
    layerDecay = 1,
    lr: baseLr,
    headLr = baseLr,
    frozen = new Set<string>(),
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay: decay = 0,
    momentum = 0,
    nesterov = false,
  } = requireOptions('trainStep', 'options', options, STEP_KEYS);
  checkConfig(config);
  requireRange('trainStep', 'smoothing', smoothing, 0, 1, true);
  for (const [name, map] of Object.entries({ moments, buffers: momenta })) {
    if (!(map instanceof Map)) throw new ParamError('trainStep', `${name}, a Map by parameter`, show(map));
  }
  const shares = isTensor(targets) ? targets : smoothTargets(targets, config.num_classes, smoothing);
  const pass = accumulate(config, state, x, shares, { lambda, loss: kind, seed, step, parts, runningVar, frozen });
  const { grads, loss, logits } = pass;

  requireOneOf('trainStep', 'optimizer', optimizer, ['adam', 'adamw', 'sgd', 'lamb']);
  const divisor = optimizer === 'lamb' ? lambDivisor(grads.values()) : 1;
  const newState = new Map(pass.state);
  const newMoments = new Map<string, AdamMoments>();
  const newMomenta = new Map<string, Tensor>();
  for (const [name, grad] of grads) {
    const lr = name.startsWith('cls') ? headLr : baseLr * layerScale(name, config.strides.length, layerDecay);
    const weightDecay = grad.shape.length > 1 || decayVectors ? decay : 0;
    const before = pick(state, name);
    if (optimizer === 'sgd') {
      const { param, buffer } = sgd(before, grad, momenta.get(name) ?? zeros(grad.shape), {
        lr,
        momentum,
        nesterov,
        weightDecay,
      });
      newState.set(name, param);
      newMomenta.set(name, buffer);
      continue;
    }
    const old = moments.get(name) ?? { m: zeros(grad.shape), v: zeros(grad.shape) };
    const { param, m, v } =
      optimizer === 'lamb'
        ? lamb(before, grad, old, step + 1, divisor, { lr, betas, eps, weightDecay })
        : adam(before, grad, old, step + 1, { lr, betas, eps, weightDecay, decoupled: optimizer === 'adamw' });
    newState.set(name, param);
    newMoments.set(name, { m, v });
  }
  return { training: { state: newState, moments: newMoments, buffers: newMomenta, step: step + 1 }, loss, logits };
}
