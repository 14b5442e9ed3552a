/** `num_batches_tracked`: the norms of a network have all seen the same batches, so that a training keeps one count. */
import type { ModelConfig } from './config.js';
import { inModelOrder, isCounter, parameterShapes } from './parameters.js';
import type { StateDict, Tensor } from './tensor.js';

/** Batches that the norms of a state have seen; 0 where it does not say. */
export const batchesOf = (state: StateDict): number => [...state].find(([name]) => isCounter(name))?.[1].data[0] ?? 0;

/** A state that was kept without them, in PyTorch's order. */
export function withCounters(state: StateDict, batches: number, config: ModelConfig): Map<string, Tensor> {
  const counters = [...parameterShapes(config)].filter(([name]) => isCounter(name));
  const counted = counters.map(([name, shape]) => [name, { data: Float64Array.of(batches), shape }] as const);
  return inModelOrder(new Map([...state, ...counted]), config);
}
