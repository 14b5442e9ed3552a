import { tensor, zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

const MASK = tensor([1, 0, 1], [3]);

export const dropPath: OpSpec = {
  op: 'dropPath',
  golden(ref, { x, mask, dy }, scalars) {
    const rate = scalars.number('rate');
    return { y: ref.dropPath(x, mask, rate), dx: ref.dropPathBackward(dy, mask, rate) };
  },
  gradients: [
    {
      name: 'rate 0.5',
      inputs: { x: draw([3, 2, 2, 2], 1) },
      forward: (ref, { x }) => ref.dropPath(x, MASK, 0.5),
      backward: (ref, dy) => ({ x: ref.dropPathBackward(dy, MASK, 0.5) }),
    },
  ],
  errors: [
    {
      name: 'everything dropped',
      run: (ref) => ref.dropPath(zeros([3, 4]), MASK, 1),
      error: 'ParamError',
      op: 'dropPath',
      expected: 'rate in [0, 1)',
      got: 'rate = 1',
    },
    {
      name: 'mask of another batch',
      run: (ref) => ref.dropPath(zeros([4, 3]), MASK, 0.5),
      error: 'ShapeError',
      op: 'dropPath',
      expected: 'mask [4]',
      got: 'mask [3]',
    },
    {
      name: 'a scalar',
      run: (ref) => ref.dropPath(zeros([]), MASK, 0.5),
      error: 'ShapeError',
      op: 'dropPath',
      expected: 'x [n,…]',
      got: 'x []',
    },
  ],
};
