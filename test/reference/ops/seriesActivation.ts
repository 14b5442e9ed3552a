import { zeros, type Tensor } from '../../../reference/index.js';
import { draw, drawDistinct } from '../../judges/draw.js';
import type { GradientCase, OpSpec, Reference, Tensors } from '../../judges/opSpec.js';

const gradient = (name: string, shape: number[], actNum: number, training: boolean): GradientCase => {
  const c = [shape[1]];
  const run = (ref: Reference, { x, weight, gamma, beta }: Tensors) => {
    const bn = { weight: gamma, bias: beta, runningMean: draw(c, 5), runningVar: ref.tensor([2, 0.5], c) };
    return ref.seriesActivation(x, weight, bn, { training });
  };
  return {
    name,
    inputs: {
      x: drawDistinct(shape, 1),
      weight: draw([...c, 1, 2 * actNum + 1, 2 * actNum + 1], 2),
      gamma: draw(c, 3),
      beta: draw(c, 4),
    },
    forward: (ref, inputs) => run(ref, inputs).y,
    backward(ref, dy, inputs) {
      const saved = run(ref, inputs).saved;
      const { dx, dw, dgamma, dbeta } = ref.seriesActivationBackward(dy, inputs.weight, inputs.gamma, saved);
      return { x: dx, weight: dw, gamma: dgamma, beta: dbeta };
    },
  };
};

/** Deploy form: ReLU, then the depthwise convolution with the bias that fusion gave it. */
function deploy(ref: Reference, { x, weight, bias, dy }: Tensors, padding: number) {
  const rectified = ref.leakyRelu(x, 0);
  const { dx, dw, db } = ref.depthwiseConv2dBackward(dy, rectified, weight, { padding });
  return {
    y: ref.depthwiseConv2d(rectified, weight, bias, { padding }),
    dx: ref.leakyReluBackward(dx, x, 0),
    dweight: dw,
    dbias: db,
  };
}

function train(ref: Reference, inputs: Tensors, training: boolean) {
  const bn = {
    weight: inputs.bn_weight,
    bias: inputs.bn_bias,
    runningMean: inputs.running_mean,
    runningVar: inputs.running_var,
  };
  const { y, saved, runningMean, runningVar } = ref.seriesActivation(inputs.x, inputs.weight, bn, { training });
  const { dx, dw, dgamma, dbeta } = ref.seriesActivationBackward(inputs.dy, inputs.weight, inputs.bn_weight, saved);
  const outputs: Record<string, Tensor> = { y, dx, dweight: dw, dbn_weight: dgamma, dbn_bias: dbeta };
  return { ...outputs, new_running_mean: runningMean, new_running_var: runningVar };
}

const bn = { weight: zeros([2]), bias: zeros([2]), runningMean: zeros([2]), runningVar: zeros([2]) };

export const seriesActivation: OpSpec = {
  op: 'seriesActivation',
  golden: (ref, inputs, scalars) =>
    scalars.word('form', ['train', 'deploy']) === 'deploy'
      ? deploy(ref, inputs, scalars.number('act_num'))
      : train(ref, inputs, scalars.boolean('training')),
  gradients: [
    gradient('training', [2, 2, 3, 4], 1, true),
    gradient('training with a kernel larger than the map', [3, 2, 2, 3], 3, true),
    gradient('eval', [1, 2, 4, 3], 2, false),
  ],
  errors: [
    {
      name: 'kernel of another channel count',
      run: (ref) => ref.seriesActivation(zeros([1, 2, 4, 4]), zeros([3, 1, 7, 7]), bn, { training: true }),
      error: 'ShapeError',
      op: 'depthwiseConv2d',
      expected: 'weight [2,1,kh,kw]',
      got: 'weight [3,1,7,7]',
    },
    {
      name: 'kernel of even width',
      run: (ref) => ref.seriesActivation(zeros([1, 2, 4, 4]), zeros([2, 1, 4, 4]), bn, { training: true }),
      error: 'ParamError',
      op: 'depthwiseConv2d',
      expected: 'padding an integer >= 0',
      got: 'padding = 1.5',
    },
  ],
};
