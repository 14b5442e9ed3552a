import type { State } from './layers.js';
import { pick } from './layers.js';
import { requireRange } from './require.js';
import { zip } from './tensor.js';

/**
 * The average of a network's state, running statistics and all, one step on:
 *
 *     average ← decay·average + (1 − decay)·state
 *
 * Counters of batches are taken over as they are.
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
