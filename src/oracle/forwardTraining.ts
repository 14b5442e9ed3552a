import { forward, valuesOf } from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { toOracleConfig } from './backend.js';
import { stateToOracle, toOracle } from './state.js';

/** Logits of a batch in training mode: batch norms use the statistics of the batch. λ is that of the configuration. */
export function forwardTraining(state: StateDict, config: ModelConfig, x: Tensor): Float64Array {
  const lambda = config.lambda ?? undefined;
  return valuesOf(
    forward(toOracleConfig(config), stateToOracle(state), toOracle(x), { training: true, lambda }).logits,
  );
}
