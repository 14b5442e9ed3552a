import type { State } from './layers.js';
import { pick } from './layers.js';
import { requireRange } from './require.js';
import { zip } from './tensor.js';

/**
 * One update of the exponential moving average of a network's parameters and running statistics:
 *
 *     average ← decay·average + (1 − decay)·state
 *
 * `num_batches_tracked` is copied from the state.
 *
 * @param decay in [0, 1]
 * @returns the new average
 * @throws WeightsError if the average lacks a tensor of the state, ParamError
 */
export function ema(average: State, state: State, decay: number): State {
  requireRange('ema', 'decay', decay, 0, 1);
  return new Map(
    [...state].map(([name, value]) =>
      name.endsWith('.num_batches_tracked')
        ? [name, value]
        : [name, zip(pick(average, name), value, (e, p) => decay * e + (1 - decay) * p)],
    ),
  );
}
