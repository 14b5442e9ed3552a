/**
 * Biases whose gradient is zero (vanishing.ts) have one in float32 that is nothing but rounding.
 * AdamW and LAMB, whose decay is none of the gradient's, divide it by its own size: as long as eps is
 * the smaller, such a bias steps up or down by some lr in every implementation as it likes, which
 * the network never notices. Nothing but the running mean of the norm that takes it away has it
 * in it. So these biases are judged by their pace alone, and what they put there is taken out:
 * what is left does not depend on them.
 *
 * No step of Adam is longer than lr·√Σ(aᵢ²/cᵢ), where m̂ = Σ aᵢ·gᵢ and v̂ = Σ cᵢ·gᵢ² (Cauchy and Schwarz).
 */
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveStep } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import type { StepOptions } from '../../../src/train/trainer.js';
import { stepOf } from '../optimizerBound.js';
import { shifts, vanishing } from './vanishing.js';

/** Share of a batch in running statistics. */
const MOMENTUM = 0.1;

/** Of lr, and a little for rounding. */
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
   * Takes out of a step's tensors what drifts and what comes of it.
   *
   * @param count steps, with this one
   * @returns which bias went too fast, or null
   */
  takeOut(tensors: Map<string, FloatArray>, state: StateDict, { lambda, optimizer }: StepOptions, count: number) {
    const before = this.#before;
    this.#before = state;
    const step = resolveStep(optimizer);
    if (step.kind !== 'adamw' && step.kind !== 'lamb') return null;
    const drifting = vanishing(this.config, lambda);
    for (const [norm, shift] of shifts(drifting, before)) {
      const old = this.#means.get(norm) ?? new Float64Array(shift.length);
      const mean = old.map((v, i) => (1 - MOMENTUM) * v + MOMENTUM * shift[i]);
      this.#means.set(norm, mean);
      const name = `${norm}.running_mean`;
      if (tensors.has(`average of ${name}`)) throw new Error('an average of what drifts is not judged');
      tensors.set(
        name,
        Float64Array.from(tensors.get(name) ?? [], (v, i) => v - mean[i]),
      );
    }
    let tooFast: string | null = null;
    for (const { bias } of drifting) {
      for (const name of [bias, `exp_avg.${bias}`, `exp_avg_sq.${bias}`]) tensors.delete(name);
      const [from, to] = [before, state].map((all) => all.get(bias)?.data ?? []);
      const { lr, weightDecay, betas } = stepOf(bias, [to.length], step, this.config.strides.length);
      const shrunk = step.kind === 'adamw' ? 1 - lr * weightDecay : 1;
      const most = lr * longestStep(count, betas);
      for (const [i, v] of to.entries()) {
        const off = Math.abs(v - shrunk * from[i]);
        if (!(off <= most + 2 ** -20 * Math.abs(from[i]))) tooFast = `${bias}: a step of ${off}, not ${most} at most`;
      }
    }
    return tooFast;
  }
}
