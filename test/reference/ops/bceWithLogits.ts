import { tensor, zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

const TARGETS = tensor([0, 1, 0.9, 0.05, 0.5, 1], [2, 3]);

export const bceWithLogits: OpSpec = {
  op: 'bceWithLogits',
  golden: (ref, { x, target }) => ({ y: ref.bceWithLogits(x, target), dx: ref.bceWithLogitsBackward(x, target) }),
  gradients: [
    {
      name: 'soft targets',
      inputs: { x: draw([2, 3], 1) },
      forward: (ref, { x }) => ref.bceWithLogits(x, TARGETS),
      backward: (ref, _, { x }) => ({ x: ref.bceWithLogitsBackward(x, TARGETS) }),
    },
  ],
  errors: [
    {
      name: 'targets of another shape',
      run: (ref) => ref.bceWithLogits(zeros([3, 2]), TARGETS),
      error: 'ShapeError',
      op: 'bceWithLogits',
      expected: 'targets [3,2]',
      got: 'targets [2,3]',
    },
  ],
};
