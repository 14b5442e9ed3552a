/** `num_batches_tracked`: all batch norms of a network count the same batches, so a training keeps one count. */
import type { ModelConfig } from './config.js';
import { inModelOrder, isCounter, parameterShapes } from './parameters.js';
import type { StateDict, Tensor } from './tensor.js';

/** The batches counted by a state's batch norms; 0 if it has no counters. */
export const batchesOf = (state: StateDict): number => [...state].find(([name]) => isCounter(name))?.[1].data[0] ?? 0;

/** The state with the counters added, in PyTorch's order. */
export function withCounters(state: StateDict, batches: number, config: ModelConfig): Map<string, Tensor> {
  const names = [...parameterShapes(config)].filter(([name]) => isCounter(name));
  const counters = names.map(([name, shape]) => [name, { data: Float64Array.of(batches), shape }] as const);
  return inModelOrder(new Map([...state, ...counters]), config);
}
