/**
 * The average of the state, e ← d·e + (1 − d)·p, with the error bound of float32. Computed like this or as
 * e + r·(p − e), with d and 1 − d rounded once, each term has at most four roundings, and the terms add up to at most
 * d·|e| + (1 − d)·(|p| + |e|) in magnitude.
 */
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { Verdict } from '../../wasm/judge.js';

export function averageBound(average: Tensor, state: Tensor, decay: number, by: Arithmetic): Verdict {
  const gamma = gammaOf(by)(4);
  const [e, p] = [average.data, state.data];
  return {
    shape: average.shape,
    exact: Float64Array.from(e, (v, i) => decay * v + (1 - decay) * p[i]),
    bound: Float64Array.from(e, (v, i) => gamma * (decay * Math.abs(v) + (1 - decay) * (Math.abs(p[i]) + Math.abs(v)))),
  };
}
