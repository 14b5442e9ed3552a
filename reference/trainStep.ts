import { adam, type AdamMoments, type AdamOptions } from './adam.js';
import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import type { Config } from './config.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import { ParamError } from './errors.js';
import { pick, type State } from './layers.js';
import { full, map, zeros, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';

export interface TrainStepOptions extends AdamOptions {
  readonly lambda: number;
  /** Label smoothing, of targets that are classes. Default 0.1. */
  readonly smoothing?: number;
  /** Cross-entropy, the default, or binary cross-entropy of every class on its own. */
  readonly loss?: 'cross-entropy' | 'bce';
  /** Seed of the dropout masks. Default 0. */
  readonly seed?: number;
}

/** A network in training: everything that one step turns into the next. */
export interface Training {
  readonly state: State;
  readonly moments: ReadonlyMap<string, AdamMoments>;
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
 * One training step: forward in training mode, the loss, backward, Adam on every
 * parameter.
 *
 * @param x [n, in_chans, h, w]
 * @param targets class of each image, or the share of each class in each image [n, num_classes]
 * @returns the training after the step (nothing is changed in place), loss and logits before it
 */
export function trainStep(
  config: Config,
  { state, moments, step }: Training,
  x: Tensor,
  targets: readonly number[] | Tensor,
  { lambda, smoothing = 0.1, loss: kind = 'cross-entropy', seed = 0, ...optimiser }: TrainStepOptions,
): { training: Training; loss: number; logits: Tensor } {
  const { logits, buffers, backward } = forward(config, state, x, { training: true, lambda, seed, step });
  const shares = 'shape' in targets ? targets : smoothed(targets, config.num_classes, smoothing);
  const loss = (kind === 'bce' ? bceWithLogits : crossEntropy)(logits, shares);
  const { grads } = backward((kind === 'bce' ? bceWithLogitsBackward : crossEntropyBackward)(logits, shares));

  const newState = new Map(state);
  const newMoments = new Map<string, AdamMoments>();
  for (const [name, grad] of grads) {
    const before = moments.get(name) ?? { m: zeros(grad.shape), v: zeros(grad.shape) };
    const { param, m, v } = adam(pick(state, name), grad, before, step + 1, optimiser);
    newState.set(name, param);
    newMoments.set(name, { m, v });
  }
  for (const [name, statistic] of buffers) {
    newState.set(name, statistic);
    const counter = name.replace(/running_(mean|var)$/, 'num_batches_tracked');
    const batches = state.get(counter);
    if (batches !== undefined)
      newState.set(
        counter,
        map(batches, (count) => count + 1),
      );
  }
  return { training: { state: newState, moments: newMoments, step: step + 1 }, loss, logits };
}
