import { zeros, type Tensor } from '../../../reference/index.js';
import type { OpSpec, Reference, Scalars, Tensors } from '../../judges/opSpec.js';

const moments = { m: zeros([3]), v: zeros([3]) };

/** Parameters after each of a golden case's steps. */
export function adamSteps(ref: Reference, { param, grad }: Tensors, scalars: Scalars, decoupled: boolean) {
  const [beta1, beta2] = scalars.numbers('betas');
  const options = {
    lr: scalars.number('lr'),
    betas: [beta1, beta2],
    eps: scalars.number('eps'),
    weightDecay: scalars.number('weight_decay'),
    decoupled,
  } as const;
  const [steps] = grad.shape;
  const after: number[] = [];
  let now: { param: Tensor; m: Tensor; v: Tensor } = { param, m: zeros(param.shape), v: zeros(param.shape) };
  for (let step = 0; step < steps; step++) {
    now = ref.adam(now.param, grad.pick(step), now, step + 1, options);
    after.push(...ref.valuesOf(now.param));
  }
  return { params: ref.tensor(after, grad.shape) };
}

export const adam: OpSpec = {
  op: 'adam',
  golden: (ref, inputs, scalars) => adamSteps(ref, inputs, scalars, false),
  gradients: [],
  errors: [
    {
      name: 'gradient of another shape',
      run: (ref) => ref.adam(zeros([3]), zeros([4]), moments, 1, { lr: 1 }),
      error: 'ShapeError',
      op: 'adam',
      expected: 'grad [3]',
      got: 'grad [4]',
    },
    {
      name: 'steps counted from 0',
      run: (ref) => ref.adam(zeros([3]), zeros([3]), moments, 0, { lr: 1 }),
      error: 'ParamError',
      op: 'adam',
      expected: 'step an integer >= 1',
      got: 'step = 0',
    },
    {
      name: 'beta of 1',
      run: (ref) => ref.adam(zeros([3]), zeros([3]), moments, 1, { lr: 1, betas: [0.9, 1] }),
      error: 'ParamError',
      op: 'adam',
      expected: 'beta2 in [0, 1)',
      got: 'beta2 = 1',
    },
    {
      name: 'negative learning rate',
      run: (ref) => ref.adam(zeros([3]), zeros([3]), moments, 1, { lr: -1 }),
      error: 'ParamError',
      op: 'adam',
      expected: 'lr >= 0',
      got: 'lr = -1',
    },
  ],
};
