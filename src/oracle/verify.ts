import type { Backend } from '../core/backend.js';
import { Model } from '../model/model.js';
import type { FusedState } from './fuse.js';

export interface Verification {
  /** max |difference| between the backend's fused logits and the oracle's unfused ones, on the probe. */
  readonly maxDifference: number;
  /** What it was held against: float32's bound, or the first order of it where the bound is larger than the logits. */
  readonly heldAgainst: 'bound' | 'first order';
  /** Whether every bounded logit is within that, and the fusion's own difference on top. */
  readonly holds: boolean;
}

/** Runs a fused network on another backend, and holds it against the unfused network in float64. */
export async function verifyFused(
  { state, config, probe, logits, bounds, firstOrder, report }: FusedState,
  backend: Backend,
): Promise<Verification> {
  const [n, , h, w] = probe.shape;
  const model = await Model.open(state, { ...config, input_size: [h, w] }, backend);
  try {
    const got = await model.forward(probe.data, n);
    const differences = Float64Array.from(logits, (want, i) => Math.abs(want - got[i]));
    // A tolerance as large as the signal would let anything pass.
    const heldAgainst = report.float32Bound < report.maxLogit ? 'bound' : 'first order';
    const limits = heldAgainst === 'bound' ? bounds : firstOrder;
    const within = differences.every((d, i) => Number.isNaN(limits[i]) || d <= limits[i] + report.maxDifference);
    return {
      maxDifference: differences.reduce((a, b) => Math.max(a, b), 0),
      heldAgainst,
      holds: within && report.maxDifference <= report.float32FirstOrder,
    };
  } finally {
    model.dispose();
  }
}
