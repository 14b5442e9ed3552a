import { accumulate } from './accumulate.js';
import { adam, type AdamMoments, type AdamOptions } from './adam.js';
import type { Config } from './config.js';
import { ParamError } from './errors.js';
import { lamb, lambDivisor } from './lamb.js';
import { pick, type State } from './layers.js';
import { layerScale } from './layerScale.js';
import { sgd, type SgdOptions } from './sgd.js';
import { full, zeros, type Tensor } from './tensor.js';

export interface TrainStepOptions extends Omit<AdamOptions, 'decoupled'>, SgdOptions {
  readonly lambda: number;
  /** Label smoothing, of targets that are classes. Default 0.1. */
  readonly smoothing?: number;
  /** Cross-entropy, the default, or binary cross-entropy of every class on its own. */
  readonly loss?: 'cross-entropy' | 'bce';
  /** Default Adam, whose decay is coupled; AdamW's is not. */
  readonly optimizer?: 'adam' | 'adamw' | 'sgd' | 'lamb';
  /** Whether what has one dimension (biases, norms) decays, too. Default true, and false for LAMB. */
  readonly decayVectors?: boolean;
  /** See `layerScale`. Default 1. */
  readonly layerDecay?: number;
  /** Seed of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Micro-batches that the batch is passed in, and the gradients averaged over: see `accumulate`. Default 1. */
  readonly gradAccumSteps?: number;
}

/** A network in training: everything that one step turns into the next. */
export interface Training {
  readonly state: State;
  /** Of Adam, AdamW and LAMB. */
  readonly moments: ReadonlyMap<string, AdamMoments>;
  /** Of SGD. */
  readonly buffers?: ReadonlyMap<string, Tensor>;
  /** Steps made so far. */
  readonly step: number;
}

export const startTraining = (state: State): Training => ({ state, moments: new Map(), step: 0 });

/** (1 − s)·[c = t_i] + s/C */
function smoothed(targets: readonly number[], classes: number, smoothing: number): Tensor {
  const shares = full([targets.length, classes], smoothing / classes);
  targets.forEach((target, i) => {
    if (!Number.isInteger(target) || target < 0 || target >= classes) {
      throw new ParamError('trainStep', `targets among 0 … ${classes - 1}`, `${target}`);
    }
    shares.set(i, target, shares.get(i, target) + 1 - smoothing);
  });
  return shares;
}

/**
 * One training step: forward in training mode, the loss, backward, the optimizer
 * on every parameter.
 *
 * @param x [n, in_chans, h, w]
 * @param targets class of each image, or the share of each class in each image [n, num_classes]
 * @returns the training after the step (nothing is changed in place), loss and logits before it
 */
export function trainStep(
  config: Config,
  { state, moments, buffers: momenta = new Map(), step }: Training,
  x: Tensor,
  targets: readonly number[] | Tensor,
  {
    lambda,
    smoothing = 0.1,
    loss: kind = 'cross-entropy',
    seed = 0,
    gradAccumSteps: parts = 1,
    ...by
  }: TrainStepOptions,
): { training: Training; loss: number; logits: Tensor } {
  const shares = 'shape' in targets ? targets : smoothed(targets, config.num_classes, smoothing);
  const passed = accumulate(config, state, x, shares, { lambda, loss: kind, seed, step, parts });
  const { grads, loss, logits } = passed;

  const { optimizer = 'adam', decayVectors = optimizer !== 'lamb', layerDecay = 1 } = by;
  const divisor = optimizer === 'lamb' ? lambDivisor(grads.values()) : 1;
  const newState = new Map(passed.state);
  const newMoments = new Map<string, AdamMoments>();
  const newMomenta = new Map<string, Tensor>();
  for (const [name, grad] of grads) {
    const options = {
      ...by,
      lr: by.lr * layerScale(name, config.strides.length, layerDecay),
      weightDecay: grad.shape.length > 1 || decayVectors ? (by.weightDecay ?? 0) : 0,
    };
    const before = pick(state, name);
    if (optimizer === 'sgd') {
      const { param, buffer } = sgd(before, grad, momenta.get(name) ?? zeros(grad.shape), options);
      newState.set(name, param);
      newMomenta.set(name, buffer);
      continue;
    }
    const old = moments.get(name) ?? { m: zeros(grad.shape), v: zeros(grad.shape) };
    const { param, m, v } =
      optimizer === 'lamb'
        ? lamb(before, grad, old, step + 1, divisor, options)
        : adam(before, grad, old, step + 1, { ...options, decoupled: optimizer === 'adamw' });
    newState.set(name, param);
    newMoments.set(name, { m, v });
  }
  return { training: { state: newState, moments: newMoments, buffers: newMomenta, step: step + 1 }, loss, logits };
}
