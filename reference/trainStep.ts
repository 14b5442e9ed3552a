import { adam, type AdamMoments, type AdamOptions } from './adam.js';
import type { Config } from './config.js';
import { labelSmoothingCrossEntropy, labelSmoothingCrossEntropyBackward } from './labelSmoothingCrossEntropy.js';
import { pick, type State } from './layers.js';
import { map, zeros, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';

export interface TrainStepOptions extends AdamOptions {
  readonly lambda: number;
  /** Label smoothing. Default 0.1. */
  readonly smoothing?: number;
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

/**
 * One training step: forward in training mode, label-smoothing cross-entropy,
 * backward, Adam on every parameter.
 *
 * @param x [n, in_chans, h, w]
 * @param targets class of each image
 * @returns the training after the step (nothing is changed in place), loss and logits before it
 */
export function trainStep(
  config: Config,
  { state, moments, step }: Training,
  x: Tensor,
  targets: readonly number[],
  { lambda, smoothing = 0.1, seed = 0, ...optimiser }: TrainStepOptions,
): { training: Training; loss: number; logits: Tensor } {
  const { logits, buffers, backward } = forward(config, state, x, { training: true, lambda, seed, step });
  const loss = labelSmoothingCrossEntropy(logits, targets, smoothing);
  const { grads } = backward(labelSmoothingCrossEntropyBackward(logits, targets, smoothing));

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
