import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const globalAvgPool: OpSpec = {
  op: 'globalAvgPool',
  golden: (ref, { x, dy }) => ({ y: ref.globalAvgPool(x), dx: ref.globalAvgPoolBackward(dy, x) }),
  gradients: [
    {
      name: 'odd map',
      inputs: { x: draw([2, 3, 5, 4], 1) },
      forward: (ref, { x }) => ref.globalAvgPool(x),
      backward: (ref, dy, { x }) => ({ x: ref.globalAvgPoolBackward(dy, x) }),
    },
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.globalAvgPool(zeros([2, 4])),
      error: 'ShapeError',
      op: 'globalAvgPool',
      expected: 'x [n,c,h,w]',
      got: 'x [2,4]',
    },
    {
      name: 'upstream gradient of the whole map',
      run: (ref) => ref.globalAvgPoolBackward(zeros([1, 2, 3, 3]), zeros([1, 2, 3, 3])),
      error: 'ShapeError',
      op: 'globalAvgPoolBackward',
      expected: 'dy [1,2,1,1]',
      got: 'dy [1,2,3,3]',
    },
  ],
};
