/**
 * Biases with zero gradient (vanishing.ts) have a float32 gradient of pure rounding noise. AdamW and LAMB, whose weight
 * decay is not part of the gradient, divide it by its own magnitude: unless eps is larger, such a bias moves by up to lr
 * in every step, differently in every implementation. The function of the network does not change: only the running mean
 * of the next norm contains the bias. These biases are therefore judged only by the size of their steps, and their
 * contribution to the running means is subtracted.
 *
 * A step of Adam is at most lr·√Σ(aᵢ²/cᵢ), where m̂ = Σ aᵢ·gᵢ and v̂ = Σ cᵢ·gᵢ² (Cauchy-Schwarz).
 */
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveStep } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import type { StepOptions } from '../../../src/train/trainer.js';
import { stepOf } from '../optimizerBound.js';
import { shifts, vanishing } from './vanishing.js';

/** Weight of a batch in the running statistics. */
const MOMENTUM = 0.1;

/** The longest step relative to lr, with a margin for rounding. */
function longestStep(count: number, [beta1, beta2]: readonly [number, number]): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const a = ((1 - beta1) * beta1 ** i) / (1 - beta1 ** count);
    const c = ((1 - beta2) * beta2 ** i) / (1 - beta2 ** count);
    sum += a ** 2 / c;
  }
  return Math.sqrt(sum) * (1 + 2 ** -10);
}

export class BiasDrift {
  readonly #means = new Map<string, Float64Array>();
  #before: StateDict;

  constructor(
    readonly config: ModelConfig,
    state: StateDict,
  ) {
    this.#before = state;
  }

  /**
   * Removes the drifting biases from a step's tensors, and their contribution from the running means.
   *
   * @param count steps so far, including this one
   * @returns the bias that moved too fast, or null
   */
  removeFrom(tensors: Map<string, FloatArray>, state: StateDict, { lambda, optimizer }: StepOptions, count: number) {
    const before = this.#before;
    this.#before = state;
    const step = resolveStep(optimizer);
    if (step.kind !== 'adamw' && step.kind !== 'lamb') return null;
    const drifting = vanishing(this.config, lambda);
    for (const [norm, shift] of shifts(drifting, before)) {
      const previous = this.#means.get(norm) ?? new Float64Array(shift.length);
      const mean = previous.map((v, i) => (1 - MOMENTUM) * v + MOMENTUM * shift[i]);
      this.#means.set(norm, mean);
      const name = `${norm}.running_mean`;
      if (tensors.has(`average of ${name}`)) throw new Error('averages of drifting biases cannot be judged');
      tensors.set(
        name,
        Float64Array.from(tensors.get(name) ?? [], (v, i) => v - mean[i]),
      );
    }
    let fault: string | null = null;
    for (const { bias } of drifting) {
      for (const name of [bias, `exp_avg.${bias}`, `exp_avg_sq.${bias}`]) tensors.delete(name);
      const [from, to] = [before, state].map((all) => all.get(bias)?.data ?? []);
      const { lr, weightDecay, betas } = stepOf(bias, [to.length], step, this.config.strides.length);
      const decay = step.kind === 'adamw' ? 1 - lr * weightDecay : 1;
      const limit = lr * longestStep(count, betas);
      for (const [i, v] of to.entries()) {
        const size = Math.abs(v - decay * from[i]);
        if (!(size <= limit + 2 ** -20 * Math.abs(from[i]))) fault = `${bias}: a step of ${size}, more than ${limit}`;
      }
    }
    return fault;
  }
}
