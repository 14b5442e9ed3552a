import { tensor as oracleTensor, valuesOf, type State, type Tensor as OracleTensor } from '../../reference/index.js';
import type { StateDict, Tensor } from '../core/tensor.js';

/** A float64 copy of a tensor, for the reference. */
export const toOracle = ({ data, shape }: Tensor): OracleTensor => oracleTensor(data, shape);

export const fromOracle = (x: OracleTensor): Tensor => ({ data: valuesOf(x), shape: [...x.shape] });

export const stateToOracle = (state: StateDict): State => new Map([...state].map(([name, x]) => [name, toOracle(x)]));

export const stateFromOracle = (state: State): StateDict =>
  new Map([...state].map(([name, x]) => [name, fromOracle(x)]));
