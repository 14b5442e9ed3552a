import { tensor } from '../../../reference/index.js';
import type { OpSpec } from '../../judges/opSpec.js';

const AVERAGE = new Map([
  ['a.weight', tensor([4, 8], [2])],
  ['a.running_mean', tensor([1], [1])],
  ['a.num_batches_tracked', tensor([7], [])],
]);
const STATE = new Map([
  ['a.weight', tensor([8, 0], [2])],
  ['a.running_mean', tensor([3], [1])],
  ['a.num_batches_tracked', tensor([9], [])],
]);

export const ema: OpSpec = {
  op: 'ema',
  golden: null,
  gradients: [],
  errors: [
    {
      name: 'a decay above 1',
      run: (ref) => ref.ema(AVERAGE, STATE, 2),
      error: 'ParamError',
      op: 'ema',
      expected: 'decay in [0, 1]',
      got: 'decay = 2',
    },
  ],
  facts: [
    {
      name: 'three quarters of the average and one of the state, running statistics too; counters as they are',
      got: (ref) => [...ref.ema(AVERAGE, STATE, 0.75).values()].flatMap((x) => [...ref.valuesOf(x)]),
      want: [5, 6, 1.5, 9],
    },
  ],
};
