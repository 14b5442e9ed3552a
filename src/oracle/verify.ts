import { checkNumber, checkObject, show, tagOf } from '../core/check.js';
import { checkStateDict } from '../core/checkState.js';
import { ParamError } from '../core/errors.js';
import type { Backend } from '../core/backend.js';
import { Model } from '../model/model.js';
import type { FusedState } from './fuse.js';

export interface Verification {
  /** The largest |difference| between the fused logits of the backend and the unfused ones of the reference. */
  readonly maxDifference: number;
  /** The tolerance: the float32 bound, or its first order if the bound is larger than the logits. */
  readonly tolerance: 'bound' | 'first order';
  /** Whether every bounded logit is within the tolerance plus the difference of the fusion in float64. */
  readonly holds: boolean;
}

/** The result of `fuseState`: a caller without types may pass anything. @throws ParamError */
function checkFused(fused: FusedState): FusedState {
  const { probe, logits, bounds, firstOrder, report } = checkObject('fused', fused);
  checkStateDict('fused', new Map([['probe', probe]]));
  checkObject('fused.report', report);
  for (const key of ['float32Bound', 'maxLogit', 'maxDifference', 'float32FirstOrder'] as const) {
    checkNumber(`fused.report.${key}`, report[key], { min: 0, max: Infinity });
  }
  for (const [name, values] of Object.entries({ logits, bounds, firstOrder })) {
    if (['Float32Array', 'Float64Array'].includes(tagOf(values))) continue;
    throw new ParamError({ op: `fused.${name}`, expected: 'a Float32Array or Float64Array', got: show(values) });
  }
  return fused;
}

/** Compares a fused network on a backend with the unfused network in float64. */
export async function verifyFused(fused: FusedState, backend: Backend): Promise<Verification> {
  const { state, config, probe, logits, bounds, firstOrder, report } = checkFused(fused);
  const [n, , h, w] = probe.shape;
  const model = await Model.open(state, { ...config, input_size: [h, w] }, backend);
  try {
    const got = await model.forward(probe.data, n);
    const differences = Float64Array.from(logits, (want, i) => Math.abs(want - got[i]));
    // A tolerance larger than the logits would accept anything.
    const tolerance = report.float32Bound < report.maxLogit ? 'bound' : 'first order';
    const limits = tolerance === 'bound' ? bounds : firstOrder;
    const within = differences.every((d, i) => Number.isNaN(limits[i]) || d <= limits[i] + report.maxDifference);
    return {
      maxDifference: differences.reduce((a, b) => Math.max(a, b), 0),
      tolerance,
      holds: within && report.maxDifference <= report.float32FirstOrder,
    };
  } finally {
    model.dispose();
  }
}
