import type { State } from './layers.js';
import { pick } from './layers.js';
import { requireRange, requireShape, requireState } from './require.js';
import { zip, type Tensor } from './tensor.js';

/** The average of a tensor. @throws ShapeError if its shape is another */
function sameShape(average: Tensor, name: string, value: Tensor): Tensor {
  requireShape('ema', `the average of ${name}`, average, value.shape);
  return average;
}

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
  requireState('ema', 'average', average);
  requireState('ema', 'state', state);
  return new Map(
    [...state].map(([name, value]) =>
      name.endsWith('.num_batches_tracked')
        ? [name, value]
        : [name, zip(sameShape(pick(average, name), name, value), value, (e, p) => decay * e + (1 - decay) * p)],
    ),
  );
}
