import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { GradientCase, OpSpec } from '../../judges/opSpec.js';

type Sizes = [n: number, c: number, h: number, w: number, k: number, kh: number, kw: number];

const gradient = (name: string, [n, c, h, w, k, kh, kw]: Sizes, stride: number, padding: number): GradientCase => ({
  name,
  inputs: { x: draw([n, c, h, w], 1), weight: draw([k, c, kh, kw], 2), bias: draw([k], 3) },
  forward: (ref, { x, weight, bias }) => ref.conv2d(x, weight, bias, { stride, padding }),
  backward(ref, dy, { x, weight }) {
    const { dx, dw, db } = ref.conv2dBackward(dy, x, weight, { stride, padding });
    return { x: dx, weight: dw, bias: db };
  },
});

export const conv2d: OpSpec = {
  op: 'conv2d',
  golden(ref, { x, weight, bias, dy }, scalars) {
    const options = { stride: scalars.number('stride'), padding: scalars.number('padding') };
    const biased = (bias as typeof bias | undefined) !== undefined;
    const { dx, dw, db } = ref.conv2dBackward(dy, x, weight, options);
    const y = ref.conv2d(x, weight, biased ? bias : null, options);
    return { y, dx, dweight: dw, ...(biased ? { dbias: db } : {}) };
  },
  gradients: [
    gradient('1x1', [2, 5, 3, 3, 4, 1, 1], 1, 0),
    gradient('stem', [1, 3, 9, 10, 3, 4, 4], 4, 0),
    gradient('adaptive stem', [1, 3, 8, 7, 2, 4, 4], 3, 1),
    gradient('odd kernel', [1, 2, 5, 4, 3, 3, 2], 2, 1),
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.conv2d(zeros([3, 8, 8]), zeros([4, 3, 1, 1]), null),
      error: 'ShapeError',
      op: 'conv2d',
      expected: 'x [n,c,h,w]',
      got: 'x [3,8,8]',
    },
    {
      name: 'NHWC',
      run: (ref) => ref.conv2d(zeros([1, 8, 8, 3]), zeros([16, 3, 4, 4]), null),
      error: 'ShapeError',
      op: 'conv2d',
      expected: 'weight [k,8,kh,kw]',
      got: 'weight [16,3,4,4]',
    },
    {
      name: 'bias of another length',
      run: (ref) => ref.conv2d(zeros([1, 3, 8, 8]), zeros([16, 3, 1, 1]), zeros([15])),
      error: 'ShapeError',
      op: 'conv2d',
      expected: 'bias [16]',
      got: 'bias [15]',
    },
    {
      name: 'kernel larger than the image',
      run: (ref) => ref.conv2d(zeros([1, 3, 3, 8]), zeros([16, 3, 4, 4]), null),
      error: 'ShapeError',
      op: 'conv2d',
      expected: 'a map of at least 4x4 with padding 0',
      got: 'x [1,3,3,8]',
    },
    {
      name: 'empty batch',
      run: (ref) => ref.conv2d(zeros([0, 3, 8, 8]), zeros([4, 3, 1, 1]), null),
      error: 'ShapeError',
      op: 'conv2d',
      expected: 'x [n,c,h,w]',
      got: 'x [0,3,8,8]',
    },
    {
      name: 'stride 0',
      run: (ref) => ref.conv2d(zeros([1, 3, 8, 8]), zeros([4, 3, 1, 1]), null, { stride: 0 }),
      error: 'ParamError',
      op: 'conv2d',
      expected: 'stride an integer >= 1',
      got: 'stride = 0',
    },
    {
      name: 'negative padding',
      run: (ref) => ref.conv2d(zeros([1, 3, 8, 8]), zeros([4, 3, 1, 1]), null, { padding: -1 }),
      error: 'ParamError',
      op: 'conv2d',
      expected: 'padding an integer >= 0',
      got: 'padding = -1',
    },
    {
      name: 'upstream gradient of another map',
      run: (ref) => ref.conv2dBackward(zeros([1, 4, 8, 7]), zeros([1, 3, 8, 8]), zeros([4, 3, 1, 1])),
      error: 'ShapeError',
      op: 'conv2dBackward',
      expected: 'dy [1,4,8,8]',
      got: 'dy [1,4,8,7]',
    },
  ],
};
