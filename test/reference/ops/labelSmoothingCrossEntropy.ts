import { valuesOf, zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const labelSmoothingCrossEntropy: OpSpec = {
  op: 'labelSmoothingCrossEntropy',
  golden(ref, { x, target }, scalars) {
    const [targets, smoothing] = [[...valuesOf(target)], scalars.number('smoothing')];
    return {
      y: ref.labelSmoothingCrossEntropy(x, targets, smoothing),
      dx: ref.labelSmoothingCrossEntropyBackward(x, targets, smoothing),
    };
  },
  gradients: [0, 0.1].map((smoothing) => ({
    name: `smoothing ${smoothing}`,
    inputs: { x: draw([3, 4], 1) },
    forward: (ref, { x }) => ref.labelSmoothingCrossEntropy(x, [2, 0, 3], smoothing),
    backward: (ref, _, { x }) => ({ x: ref.labelSmoothingCrossEntropyBackward(x, [2, 0, 3], smoothing) }),
  })),
  errors: [
    {
      name: 'targets of another batch',
      run: (ref) => ref.labelSmoothingCrossEntropy(zeros([3, 4]), [1, 2]),
      error: 'ShapeError',
      op: 'labelSmoothingCrossEntropy',
      expected: '3 targets, one for each row',
      got: '2',
    },
    {
      name: 'a class out of range',
      run: (ref) => ref.labelSmoothingCrossEntropy(zeros([3, 4]), [1, 4, 2]),
      error: 'ParamError',
      op: 'labelSmoothingCrossEntropy',
      expected: 'targets among 0 … 3',
      got: '4',
    },
    {
      name: 'smoothing of 1',
      run: (ref) => ref.labelSmoothingCrossEntropy(zeros([1, 4]), [1], 1),
      error: 'ParamError',
      op: 'labelSmoothingCrossEntropy',
      expected: 'smoothing in [0, 1)',
      got: 'smoothing = 1',
    },
    {
      name: 'logits that are still maps',
      run: (ref) => ref.labelSmoothingCrossEntropy(zeros([1, 4, 1, 1]), [1]),
      error: 'ShapeError',
      op: 'labelSmoothingCrossEntropy',
      expected: 'logits [n,c]',
      got: 'logits [1,4,1,1]',
    },
  ],
};
