import { tensor } from '../../../reference/index.js';
import type { OpSpec } from '../../judges/opSpec.js';

const ARTICLE = { baseLr: 1e-3, tMax: 390 * 50 };

export const cosineAnnealing: OpSpec = {
  op: 'cosineAnnealing',
  golden(ref, _, scalars) {
    const options = {
      baseLr: scalars.number('base_lr'),
      tMax: scalars.number('t_max'),
      etaMin: scalars.number('eta_min'),
    };
    const lr = Array.from({ length: options.tMax + 1 }, (_step, t) => ref.cosineAnnealing(t, options));
    return { lr: tensor(lr, [lr.length]) };
  },
  gradients: [],
  errors: [
    {
      name: 'a step past the end',
      run: (ref) => ref.cosineAnnealing(11, { baseLr: 1, tMax: 10 }),
      error: 'ParamError',
      op: 'cosineAnnealing',
      expected: 't in [0, 10]',
      got: 't = 11',
    },
    {
      name: 'no steps at all',
      run: (ref) => ref.cosineAnnealing(0, { baseLr: 1, tMax: 0 }),
      error: 'ParamError',
      op: 'cosineAnnealing',
      expected: 'tMax > 0',
      got: 'tMax = 0',
    },
  ],
  facts: [
    {
      name: 'is the article’s after one epoch and at half time',
      got: (ref) => [390, 9750].map((t) => Number(ref.cosineAnnealing(t, ARTICLE).toPrecision(11))),
      want: [9.9901336421e-4, 5e-4],
    },
  ],
};
