import type { Backend } from '../core/backend.js';
import { Model } from '../model/model.js';
import type { FusedState } from './fuse.js';

export interface Verification {
  /** max |difference| between the backend's fused logits and the oracle's unfused ones, on the probe. */
  readonly maxDifference: number;
  /** Whether every bounded logit is within float32's bound, and the fusion's own difference on top. */
  readonly holds: boolean;
}

/** Runs a fused network on another backend, and holds it against the unfused network in float64. */
export async function verifyFused(
  { state, config, probe, logits, bounds, report }: FusedState,
  backend: Backend,
): Promise<Verification> {
  const [n, , h, w] = probe.shape;
  const model = await Model.open(state, { ...config, input_size: [h, w] }, backend);
  try {
    const got = await model.forward(probe.data, n);
    const differences = Float64Array.from(logits, (want, i) => Math.abs(want - got[i]));
    const within = differences.every((d, i) => Number.isNaN(bounds[i]) || d <= bounds[i] + report.maxDifference);
    return {
      maxDifference: differences.reduce((a, b) => Math.max(a, b), 0),
      holds: within && report.maxDifference <= report.float32Bound,
    };
  } finally {
    model.dispose();
  }
}
