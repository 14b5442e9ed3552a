import { tensor, valuesOf, zeros } from '../../../reference/index.js';
import { drawDistinct } from '../../judges/draw.js';
import type { GradientCase, OpSpec } from '../../judges/opSpec.js';

const gradient = (lambda: number): GradientCase => ({
  name: `lambda ${lambda}`,
  inputs: { x: drawDistinct([2, 3, 4, 3], 1) },
  forward: (ref, { x }) => ref.leakyRelu(x, lambda),
  backward: (ref, dy, { x }) => ({ x: ref.leakyReluBackward(dy, x, lambda) }),
});

const KINK = tensor([-2, 0, 2], [3]);
const ONES = tensor([1, 1, 1], [3]);

export const leakyRelu: OpSpec = {
  op: 'leakyRelu',
  golden(ref, { x, dy }, scalars) {
    const lambda = scalars.number('lambda');
    return { y: ref.leakyRelu(x, lambda), dx: ref.leakyReluBackward(dy, x, lambda) };
  },
  gradients: [0, 0.25, 1].map(gradient),
  errors: [
    {
      name: 'lambda above 1',
      run: (ref) => ref.leakyRelu(KINK, 1.5),
      error: 'ParamError',
      op: 'leakyRelu',
      expected: 'lambda in [0, 1]',
      got: 'lambda = 1.5',
    },
    {
      name: 'lambda that is no number',
      run: (ref) => ref.leakyRelu(KINK, NaN),
      error: 'ParamError',
      op: 'leakyRelu',
      expected: 'lambda in [0, 1]',
      got: 'lambda = NaN',
    },
    {
      name: 'upstream gradient of another shape',
      run: (ref) => ref.leakyReluBackward(zeros([4]), KINK, 0.5),
      error: 'ShapeError',
      op: 'leakyReluBackward',
      expected: 'dy [3]',
      got: 'dy [4]',
    },
  ],
  facts: [
    { name: 'with slope 0 is ReLU', got: (ref) => [...valuesOf(ref.leakyRelu(KINK, 0))], want: [-0, 0, 2] },
    { name: 'with slope 1 is the identity', got: (ref) => [...valuesOf(ref.leakyRelu(KINK, 1))], want: [-2, 0, 2] },
    {
      name: 'has slope lambda at the kink',
      got: (ref) => [...valuesOf(ref.leakyReluBackward(ONES, KINK, 0.25))],
      want: [0.25, 0.25, 1],
    },
    {
      name: 'has slope 0 at the kink where lambda is 0',
      got: (ref) => [...valuesOf(ref.leakyReluBackward(ONES, KINK, 0))],
      want: [0, 0, 1],
    },
  ],
};
