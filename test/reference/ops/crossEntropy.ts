import { tensor, zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

const TARGETS = tensor([0, 1, 0, 0.2, 0.5, 0.1], [2, 3]);

export const crossEntropy: OpSpec = {
  op: 'crossEntropy',
  golden: (ref, { x, target }) => ({ y: ref.crossEntropy(x, target), dx: ref.crossEntropyBackward(x, target) }),
  gradients: [
    {
      name: 'shares that need not add up to 1',
      inputs: { x: draw([2, 3], 1) },
      forward: (ref, { x }) => ref.crossEntropy(x, TARGETS),
      backward: (ref, _, { x }) => ({ x: ref.crossEntropyBackward(x, TARGETS) }),
    },
  ],
  errors: [
    {
      name: 'targets of another shape',
      run: (ref) => ref.crossEntropy(zeros([3, 2]), TARGETS),
      error: 'ShapeError',
      op: 'crossEntropy',
      expected: 'targets [3,2]',
      got: 'targets [2,3]',
    },
  ],
};
