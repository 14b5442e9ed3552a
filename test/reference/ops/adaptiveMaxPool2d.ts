import { tensor, valuesOf, zeros } from '../../../reference/index.js';
import { drawDistinct } from '../../judges/draw.js';
import type { GradientCase, OpSpec } from '../../judges/opSpec.js';

const gradient = (name: string, shape: number[], outputSize: [number, number]): GradientCase => ({
  name,
  inputs: { x: drawDistinct(shape, 1) },
  forward: (ref, { x }) => ref.adaptiveMaxPool2d(x, outputSize),
  backward: (ref, dy, { x }) => ({ x: ref.adaptiveMaxPool2dBackward(dy, x, outputSize) }),
});

export const adaptiveMaxPool2d: OpSpec = {
  op: 'adaptiveMaxPool2d',
  golden(ref, { x, dy }, scalars) {
    const [h, w] = scalars.numbers('output_size');
    return { y: ref.adaptiveMaxPool2d(x, [h, w]), dx: ref.adaptiveMaxPool2dBackward(dy, x, [h, w]) };
  },
  gradients: [
    gradient('overlapping windows', [2, 2, 7, 5], [3, 2]),
    gradient('enlarging', [1, 2, 3, 2], [5, 3]),
    gradient('the whole map', [1, 3, 4, 5], [1, 1]),
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.adaptiveMaxPool2d(zeros([2, 4, 4]), [2, 2]),
      error: 'ShapeError',
      op: 'adaptiveMaxPool2d',
      expected: 'x [n,c,h,w]',
      got: 'x [2,4,4]',
    },
    {
      name: 'output of zero rows',
      run: (ref) => ref.adaptiveMaxPool2d(zeros([1, 2, 4, 4]), [0, 2]),
      error: 'ParamError',
      op: 'adaptiveMaxPool2d',
      expected: 'output height an integer >= 1',
      got: 'output height = 0',
    },
    {
      name: 'upstream gradient of another map',
      run: (ref) => ref.adaptiveMaxPool2dBackward(zeros([1, 2, 3, 3]), zeros([1, 2, 4, 4]), [2, 2]),
      error: 'ShapeError',
      op: 'adaptiveMaxPool2dBackward',
      expected: 'dy [1,2,2,2]',
      got: 'dy [1,2,3,3]',
    },
  ],
  facts: [
    {
      name: 'takes windows from floor to ceiling',
      got: (ref) => [...valuesOf(ref.adaptiveMaxPool2d(tensor([1, 9, 5, 2, 3], [1, 1, 1, 5]), [1, 3]))],
      want: [9, 9, 3],
    },
  ],
};
