import { tensor, valuesOf, zeros, type Tensor } from '../../../reference/index.js';
import type { OpSpec } from '../../judges/opSpec.js';

const moments = { m: zeros([2]), v: zeros([2]) };

export const lamb: OpSpec = {
  op: 'lamb',
  golden(ref, { param0, param1, grad0, grad1 }, scalars) {
    const [beta1, beta2] = scalars.numbers('betas');
    const options = {
      lr: scalars.number('lr'),
      betas: [beta1, beta2],
      eps: scalars.number('eps'),
      weightDecay: scalars.number('weight_decay'),
    } as const;
    const start = (param: Tensor) => ({ param, m: zeros(param.shape), v: zeros(param.shape) });
    const now = [start(param0), start(param1)];
    const after: number[][] = [[], []];
    for (let step = 0; step < grad0.shape[0]; step++) {
      const grads = [grad0.pick(step), grad1.pick(step)];
      const divisor = ref.lambDivisor(grads);
      grads.forEach((grad, k) => {
        now[k] = ref.lamb(now[k].param, grad, now[k], step + 1, divisor, options);
        after[k].push(...ref.valuesOf(now[k].param));
      });
    }
    return { params0: ref.tensor(after[0], grad0.shape), params1: ref.tensor(after[1], grad1.shape) };
  },
  gradients: [],
  errors: [
    {
      name: 'steps counted from 0',
      run: (ref) => ref.lamb(zeros([2]), zeros([2]), moments, 0, 1, { lr: 1 }),
      error: 'ParamError',
      op: 'lamb',
      expected: 'step an integer >= 1',
      got: 'step = 0',
    },
    {
      name: 'a divisor that makes gradients larger',
      run: (ref) => ref.lamb(zeros([2]), zeros([2]), moments, 1, 0.5, { lr: 1 }),
      error: 'ParamError',
      op: 'lamb',
      expected: 'divisor >= 1',
      got: 'divisor = 0.5',
    },
  ],
  facts: [
    {
      name: 'gradients below 1 are not clipped, and of others the length becomes 1',
      got: (ref) => [ref.lambDivisor([tensor([0.5], [1])]), ref.lambDivisor([tensor([3], [1]), tensor([4], [1])])],
      want: [1, 5],
    },
    {
      // d = 0 where the gradient is 0, so u = wd·p, and r·u is p.
      name: 'without a gradient, a step of lr shrinks the parameter by lr',
      got: (ref) => [
        ...valuesOf(ref.lamb(tensor([3, 4], [2]), zeros([2]), moments, 1, 1, { lr: 0.5, weightDecay: 0.5 }).param),
      ],
      want: [1.5, 2],
    },
  ],
};
