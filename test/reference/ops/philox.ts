import { tensor, valuesOf, type Tensor } from '../../../reference/index.js';
import type { OpSpec } from '../../judges/opSpec.js';

const rows = (x: Tensor): number[][] =>
  Array.from({ length: x.shape[0] }, (_, i) => Array.from({ length: x.shape[1] }, (_column, j) => x.get(i, j)));

export const philox: OpSpec = {
  op: 'philox',
  golden(ref, inputs, scalars) {
    if (scalars.word('function', ['philox', 'uniform']) === 'philox') {
      const keys = rows(inputs.key);
      const out = rows(inputs.counter).flatMap(([c0, c1, c2, c3], i) =>
        ref.philox4x32([c0, c1, c2, c3], [keys[i][0], keys[i][1]]),
      );
      return { out: tensor(out, inputs.counter.shape) };
    }
    const [seed, stream, index] = [inputs.seed, inputs.stream, inputs.index].map(valuesOf);
    return {
      u: tensor(
        seed.map((s, i) => ref.uniform(s, stream[i], index[i])),
        inputs.seed.shape,
      ),
    };
  },
  gradients: [],
  errors: [
    {
      name: 'negative seed',
      run: (ref) => ref.uniform(-1, 0, 0),
      error: 'ParamError',
      op: 'uniform',
      expected: 'seed, stream and index integers in [0, 2^32)',
      got: '-1, 0, 0',
    },
    {
      name: 'fractional stream',
      run: (ref) => ref.uniform(1, 0.5, 0),
      error: 'ParamError',
      op: 'uniform',
      expected: 'seed, stream and index integers in [0, 2^32)',
      got: '1, 0.5, 0',
    },
    {
      name: 'index past 32 bits',
      run: (ref) => ref.uniform(1, 0, 4294967296),
      error: 'ParamError',
      op: 'uniform',
      expected: 'seed, stream and index integers in [0, 2^32)',
      got: '1, 0, 4294967296',
    },
  ],
};
