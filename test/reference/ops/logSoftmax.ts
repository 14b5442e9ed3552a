import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const logSoftmax: OpSpec = {
  op: 'logSoftmax',
  golden(ref, { x, dy }) {
    const y = ref.logSoftmax(x);
    return { y, dx: ref.logSoftmaxBackward(dy, y) };
  },
  gradients: [
    {
      name: 'rows of 5',
      inputs: { x: draw([3, 5], 1) },
      forward: (ref, { x }) => ref.logSoftmax(x),
      backward: (ref, dy, { x }) => ({ x: ref.logSoftmaxBackward(dy, ref.logSoftmax(x)) }),
    },
  ],
  errors: [
    {
      name: 'logits that are still maps',
      run: (ref) => ref.logSoftmax(zeros([2, 5, 1, 1])),
      error: 'ShapeError',
      op: 'logSoftmax',
      expected: 'x [n,c]',
      got: 'x [2,5,1,1]',
    },
    {
      name: 'upstream gradient of another batch',
      run: (ref) => ref.logSoftmaxBackward(zeros([3, 5]), zeros([2, 5])),
      error: 'ShapeError',
      op: 'logSoftmaxBackward',
      expected: 'dy [2,5]',
      got: 'dy [3,5]',
    },
  ],
};
