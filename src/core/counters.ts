/** `num_batches_tracked`: all batch norms of a network that training moves count the same batches: it keeps one count. */
import type { ModelConfig } from './config.js';
import { inModelOrder, isCounter, parameterShapes } from './parameters.js';
import type { StateDict, Tensor } from './tensor.js';

const NONE: ReadonlySet<string> = new Set();

/** The batches counted by a state's batch norms; 0 if it has no counters. @param frozen those that count no more */
export const batchesOf = (state: StateDict, frozen = NONE): number =>
  [...state].find(([name]) => isCounter(name) && !frozen.has(name))?.[1].data[0] ?? 0;

/** The counters of a state that count no more, by their names; 0 for one that is missing. */
export const frozenCounters = (state: StateDict, frozen: ReadonlySet<string>): StateDict =>
  new Map(
    [...frozen].filter(isCounter).map((name) => [name, state.get(name) ?? { data: new Float64Array(1), shape: [] }]),
  );

/** The state with the counters added, in PyTorch's order. @param stopped the counters that count no more */
export function withCounters(
  state: StateDict,
  batches: number,
  config: ModelConfig,
  stopped: StateDict = new Map(),
): Map<string, Tensor> {
  const names = [...parameterShapes(config)].filter(([name]) => isCounter(name));
  const counters = names.map(([name, shape]) => [name, { data: Float64Array.of(batches), shape }] as const);
  return inModelOrder(new Map([...state, ...counters, ...stopped]), config);
}
