import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { GradientCase, OpSpec } from '../../judges/opSpec.js';

const gradient = (name: string, shape: number[], kernel: [number, number], stride: number): GradientCase => ({
  name,
  inputs: { x: draw(shape, 1), weight: draw([shape[1], 1, ...kernel], 2), bias: draw([shape[1]], 3) },
  forward: (ref, { x, weight, bias }) => ref.depthwiseConv2d(x, weight, bias, { stride, padding: 1 }),
  backward(ref, dy, { x, weight }) {
    const { dx, dw, db } = ref.depthwiseConv2dBackward(dy, x, weight, { stride, padding: 1 });
    return { x: dx, weight: dw, bias: db };
  },
});

export const depthwiseConv2d: OpSpec = {
  op: 'depthwiseConv2d',
  golden(ref, { x, weight, bias, dy }, scalars) {
    const options = { stride: scalars.number('stride'), padding: scalars.number('padding') };
    const biased = (bias as typeof bias | undefined) !== undefined;
    const { dx, dw, db } = ref.depthwiseConv2dBackward(dy, x, weight, options);
    const y = ref.depthwiseConv2d(x, weight, biased ? bias : null, options);
    return { y, dx, dweight: dw, ...(biased ? { dbias: db } : {}) };
  },
  gradients: [
    gradient('3x3', [2, 3, 4, 5], [3, 3], 1),
    gradient('3x3 stride 2', [1, 4, 5, 5], [3, 3], 2),
    gradient('kernel that is not square', [1, 2, 4, 4], [3, 2], 1),
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.depthwiseConv2d(zeros([8, 8]), zeros([4, 1, 3, 3]), null),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'x [n,c,h,w]',
      got: 'x [8,8]',
    },
    {
      name: 'weight of another channel count',
      run: (ref) => ref.depthwiseConv2d(zeros([1, 4, 8, 8]), zeros([5, 1, 3, 3]), null),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'weight [4,1,kh,kw]',
      got: 'weight [5,1,3,3]',
    },
    {
      name: 'weight of a full convolution',
      run: (ref) => ref.depthwiseConv2d(zeros([1, 4, 8, 8]), zeros([4, 4, 3, 3]), null),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'weight [4,1,kh,kw]',
      got: 'weight [4,4,3,3]',
    },
    {
      name: 'bias of another length',
      run: (ref) => ref.depthwiseConv2d(zeros([1, 4, 8, 8]), zeros([4, 1, 3, 3]), zeros([1])),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'bias [4]',
      got: 'bias [1]',
    },
    {
      name: 'kernel larger than the image',
      run: (ref) => ref.depthwiseConv2d(zeros([1, 4, 2, 2]), zeros([4, 1, 7, 7]), null, { padding: 2 }),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'a map of at least 7x7 with padding 2',
      got: 'x [1,4,2,2]',
    },
    {
      name: 'fractional padding',
      run: (ref) => ref.depthwiseConv2d(zeros([1, 4, 8, 8]), zeros([4, 1, 3, 3]), null, { padding: 0.5 }),
      error: 'ParamError',
      op: 'depthwiseConv2d',
      expected: 'padding an integer >= 0',
      got: 'padding = 0.5',
    },
  ],
};
