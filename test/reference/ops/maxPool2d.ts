import { tensor, valuesOf, zeros } from '../../../reference/index.js';
import { drawDistinct } from '../../judges/draw.js';
import type { GradientCase, OpSpec } from '../../judges/opSpec.js';

const gradient = (name: string, shape: number[], kernelSize: number, stride: number): GradientCase => ({
  name,
  inputs: { x: drawDistinct(shape, 1) },
  forward: (ref, { x }) => ref.maxPool2d(x, { kernelSize, stride }),
  backward: (ref, dy, { x }) => ({ x: ref.maxPool2dBackward(dy, x, { kernelSize, stride }) }),
});

const TIED = tensor([3, 3, 1, 3], [1, 1, 2, 2]);

export const maxPool2d: OpSpec = {
  op: 'maxPool2d',
  golden(ref, { x, dy }, scalars) {
    const options = { kernelSize: scalars.number('kernel_size'), stride: scalars.number('stride') };
    return { y: ref.maxPool2d(x, options), dx: ref.maxPool2dBackward(dy, x, options) };
  },
  gradients: [
    gradient('2x2 of an odd map', [2, 3, 5, 7], 2, 2),
    gradient('3x3', [1, 2, 6, 7], 3, 3),
    gradient('overlapping windows', [1, 2, 7, 5], 3, 2),
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.maxPool2d(zeros([4, 4]), { kernelSize: 2 }),
      error: 'ShapeError',
      op: 'maxPool2d',
      expected: 'x [n,c,h,w]',
      got: 'x [4,4]',
    },
    {
      name: 'map smaller than the window',
      run: (ref) => ref.maxPool2d(zeros([1, 2, 1, 4]), { kernelSize: 2 }),
      error: 'ShapeError',
      op: 'maxPool2d',
      expected: 'a map of at least 2x2',
      got: 'x [1,2,1,4]',
    },
    {
      name: 'window of zero',
      run: (ref) => ref.maxPool2d(zeros([1, 2, 4, 4]), { kernelSize: 0 }),
      error: 'ParamError',
      op: 'maxPool2d',
      expected: 'kernelSize an integer >= 1',
      got: 'kernelSize = 0',
    },
    {
      name: 'upstream gradient of another map',
      run: (ref) => ref.maxPool2dBackward(zeros([1, 2, 4, 4]), zeros([1, 2, 4, 4]), { kernelSize: 2 }),
      error: 'ShapeError',
      op: 'maxPool2dBackward',
      expected: 'dy [1,2,2,2]',
      got: 'dy [1,2,4,4]',
    },
  ],
  facts: [
    {
      name: 'takes the first of equal values in scan order',
      got: (ref) => [...valuesOf(ref.maxPool2dBackward(tensor([1], [1, 1, 1, 1]), TIED, { kernelSize: 2 }))],
      want: [1, 0, 0, 0],
    },
    {
      name: 'propagates NaN',
      got: (ref) => [...valuesOf(ref.maxPool2d(tensor([3, NaN, 1, 5], [1, 1, 2, 2]), { kernelSize: 2 }))],
      want: [NaN],
    },
    {
      name: 'has the kernel’s size as the default stride',
      got: (ref) => ref.maxPool2d(zeros([1, 1, 6, 9]), { kernelSize: 3 }).shape,
      want: [1, 1, 2, 3],
    },
  ],
};
