/**
 * The average of the state, e ← d·e + (1 − d)·p, and how far float32 may be from it: as e + r·(p − e)
 * or as it stands, with d and 1 − d rounded once, no term passes more than four roundings, and
 * all terms together are no larger than d·|e| + (1 − d)·(|p| + |e|).
 */
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { Verdict } from '../../wasm/judge.js';

export function averageBound(average: Tensor, now: Tensor, decay: number, by: Arithmetic): Verdict {
  const gamma = gammaOf(by)(4);
  const [e, p] = [average.data, now.data];
  return {
    shape: average.shape,
    exact: Float64Array.from(e, (v, i) => decay * v + (1 - decay) * p[i]),
    bound: Float64Array.from(e, (v, i) => gamma * (decay * Math.abs(v) + (1 - decay) * (Math.abs(p[i]) + Math.abs(v)))),
  };
}
