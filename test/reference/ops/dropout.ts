import { tensor, zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

const MASK = tensor([0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1], [3, 4]);

export const dropout: OpSpec = {
  op: 'dropout',
  golden(ref, { x, mask, dy }, scalars) {
    const rate = scalars.number('rate');
    return { y: ref.dropout(x, mask, rate), dx: ref.dropoutBackward(dy, mask, rate) };
  },
  gradients: [
    {
      name: 'rate 0.25',
      inputs: { x: draw([3, 4], 1) },
      forward: (ref, { x }) => ref.dropout(x, MASK, 0.25),
      backward: (ref, dy) => ({ x: ref.dropoutBackward(dy, MASK, 0.25) }),
    },
  ],
  errors: [
    {
      name: 'everything dropped',
      run: (ref) => ref.dropout(zeros([3, 4]), MASK, 1),
      error: 'ParamError',
      op: 'dropout',
      expected: 'rate in [0, 1)',
      got: 'rate = 1',
    },
    {
      name: 'mask of another shape',
      run: (ref) => ref.dropout(zeros([4, 3]), MASK, 0.5),
      error: 'ShapeError',
      op: 'dropout',
      expected: 'mask [4,3]',
      got: 'mask [3,4]',
    },
    {
      name: 'a mask of negative rate',
      run: (ref) => ref.dropoutMask([4], -0.1, 1, 1),
      error: 'ParamError',
      op: 'dropoutMask',
      expected: 'rate in [0, 1)',
      got: 'rate = -0.1',
    },
  ],
  facts: [
    { name: 'at rate 0 drops nothing', got: (ref) => [...ref.dropoutMask([5], 0, 1, 1).data], want: [1, 1, 1, 1, 1] },
    {
      name: 'drops about a quarter at rate 0.25',
      got: (ref) => [Math.round(ref.dropoutMask([4000], 0.25, 1, 1).data.reduce((a, b) => a + b) / 100)],
      want: [30],
    },
  ],
};
