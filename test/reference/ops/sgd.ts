import { tensor, valuesOf, zeros } from '../../../reference/index.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const sgd: OpSpec = {
  op: 'sgd',
  golden(ref, { param, grad }, scalars) {
    const options = {
      lr: scalars.number('lr'),
      momentum: scalars.number('momentum'),
      nesterov: scalars.boolean('nesterov'),
      weightDecay: scalars.number('weight_decay'),
    };
    const after: number[] = [];
    let now = { param, buffer: zeros(param.shape) };
    for (let step = 0; step < grad.shape[0]; step++) {
      now = ref.sgd(now.param, grad.pick(step), now.buffer, options);
      after.push(...ref.valuesOf(now.param));
    }
    return { params: ref.tensor(after, grad.shape) };
  },
  gradients: [],
  errors: [
    {
      name: 'a buffer of another shape',
      run: (ref) => ref.sgd(zeros([3]), zeros([3]), zeros([4]), { lr: 1 }),
      error: 'ShapeError',
      op: 'sgd',
      expected: 'buffer [3]',
      got: 'buffer [4]',
    },
    {
      name: 'a negative momentum',
      run: (ref) => ref.sgd(zeros([3]), zeros([3]), zeros([3]), { lr: 1, momentum: -1 }),
      error: 'ParamError',
      op: 'sgd',
      expected: 'momentum >= 0',
      got: 'momentum = -1',
    },
  ],
  facts: [
    {
      name: 'a step by hand: b = 1/2·4 + (1 + 1/4·8) = 5',
      got(ref) {
        const options = { lr: 0.5, momentum: 0.5, weightDecay: 0.25 };
        const { param, buffer } = ref.sgd(tensor([8], [1]), tensor([1], [1]), tensor([4], [1]), options);
        return [...valuesOf(param), ...valuesOf(buffer)];
      },
      want: [5.5, 5],
    },
  ],
};
