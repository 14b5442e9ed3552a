import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const softmax: OpSpec = {
  op: 'softmax',
  golden(ref, { x, dy }) {
    const y = ref.softmax(x);
    return { y, dx: ref.softmaxBackward(dy, y) };
  },
  gradients: [
    {
      name: 'rows of 5',
      inputs: { x: draw([3, 5], 1) },
      forward: (ref, { x }) => ref.softmax(x),
      backward: (ref, dy, { x }) => ({ x: ref.softmaxBackward(dy, ref.softmax(x)) }),
    },
  ],
  errors: [
    {
      name: 'logits that are still maps',
      run: (ref) => ref.softmax(zeros([2, 5, 1, 1])),
      error: 'ShapeError',
      op: 'softmax',
      expected: 'x [n,c]',
      got: 'x [2,5,1,1]',
    },
    {
      name: 'upstream gradient of another batch',
      run: (ref) => ref.softmaxBackward(zeros([3, 5]), zeros([2, 5])),
      error: 'ShapeError',
      op: 'softmaxBackward',
      expected: 'dy [2,5]',
      got: 'dy [3,5]',
    },
  ],
};
