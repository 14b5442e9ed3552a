import { zeros } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { GradientCase, OpSpec, Reference, Tensors } from '../../judges/opSpec.js';

const parameters = ({ weight, bias, running_mean, running_var }: Tensors) => ({
  weight,
  bias,
  runningMean: running_mean,
  runningVar: running_var,
});

const gradient = (name: string, shape: number[], training: boolean): GradientCase => {
  const c = [shape[1]];
  const run = (ref: Reference, { x, weight, bias }: Tensors) =>
    ref.batchNorm(
      x,
      {
        weight,
        bias,
        runningMean: draw(c, 4),
        runningVar: ref.tensor(
          [...Array(c[0]).keys()].map((i) => i + 0.5),
          c,
        ),
      },
      { training },
    );
  return {
    name,
    inputs: { x: draw(shape, 1), weight: draw(c, 2), bias: draw(c, 3) },
    forward: (ref, inputs) => run(ref, inputs).y,
    backward(ref, dy, inputs) {
      const { dx, dw, db } = ref.batchNormBackward(dy, inputs.weight, run(ref, inputs).saved);
      return { x: dx, weight: dw, bias: db };
    },
  };
};

const of = (c: number) => ({ weight: zeros([c]), bias: zeros([c]), runningMean: zeros([c]), runningVar: zeros([c]) });

export const batchNorm: OpSpec = {
  op: 'batchNorm',
  golden(ref, inputs, scalars) {
    const { y, saved, runningMean, runningVar } = ref.batchNorm(inputs.x, parameters(inputs), {
      training: scalars.boolean('training'),
      momentum: scalars.number('momentum'),
      eps: scalars.number('eps'),
      runningVar: scalars.word('running_var', ['unbiased', 'biased']),
    });
    const { dx, dw, db } = ref.batchNormBackward(inputs.dy, inputs.weight, saved);
    return { y, dx, dweight: dw, dbias: db, new_running_mean: runningMean, new_running_var: runningVar };
  },
  gradients: [
    gradient('training', [3, 2, 3, 3], true),
    gradient('training of 1x1 maps', [4, 3, 1, 1], true),
    gradient('eval', [2, 3, 2, 3], false),
  ],
  errors: [
    {
      name: 'wrong rank',
      run: (ref) => ref.batchNorm(zeros([2, 3]), of(3), { training: true }),
      error: 'ShapeError',
      op: 'batchNorm',
      expected: 'x [n,c,h,w]',
      got: 'x [2,3]',
    },
    {
      name: 'parameters of another channel count',
      run: (ref) => ref.batchNorm(zeros([2, 3, 4, 4]), of(4), { training: true }),
      error: 'ShapeError',
      op: 'batchNorm',
      expected: 'weight [3]',
      got: 'weight [4]',
    },
    {
      name: 'one value per channel in training',
      run: (ref) => ref.batchNorm(zeros([1, 3, 1, 1]), of(3), { training: true }),
      error: 'ShapeError',
      op: 'batchNorm',
      expected: 'more than one value per channel in training',
      got: 'x [1,3,1,1]',
      hint: 'Train with more images in a batch, or with larger images.',
    },
    {
      name: 'eps of zero',
      run: (ref) => ref.batchNorm(zeros([2, 3, 4, 4]), of(3), { training: true, eps: 0 }),
      error: 'ParamError',
      op: 'batchNorm',
      expected: 'eps > 0',
      got: 'eps = 0',
    },
    {
      name: 'momentum beyond one',
      run: (ref) => ref.batchNorm(zeros([2, 3, 4, 4]), of(3), { training: true, momentum: 1.1 }),
      error: 'ParamError',
      op: 'batchNorm',
      expected: 'momentum in [0, 1]',
      got: 'momentum = 1.1',
    },
  ],
  facts: [
    {
      name: 'of one value per channel in eval is fine',
      got: (ref) => [ref.batchNorm(zeros([1, 1, 1, 1]), of(1), { training: false }).y.get(0, 0, 0, 0)],
      want: [0],
    },
    {
      name: 'with momentum 0 keeps the running statistics',
      got: (ref) => [ref.batchNorm(draw([2, 1, 2, 2], 1), of(1), { training: true, momentum: 0 }).runningVar.get(0)],
      want: [0],
    },
    {
      name: 'has eps 1e-6 by default',
      got: (ref) => [ref.batchNorm(zeros([2, 1, 2, 2]), of(1), { training: true }).saved.invStd.get(0)],
      want: [1 / Math.sqrt(1e-6)],
    },
  ],
};
