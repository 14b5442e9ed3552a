import { map } from '../../../reference/tensor.js';
import type { OpSpec } from '../../judges/opSpec.js';

/** Standard deviation of a large draw, in thousandths. */
const deviation = (values: Float64Array): number =>
  Math.round(1e3 * Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length));

export const truncatedNormal: OpSpec = {
  op: 'truncatedNormal',
  golden(ref, { u }, scalars) {
    const [mean, std, a, b] = ['mean', 'std', 'a', 'b'].map((key) => scalars.number(key));
    return { x: map(u, (v) => ref.truncatedNormalQuantile(v, { mean, std, a, b })) };
  },
  gradients: [],
  errors: [
    {
      name: 'std of zero',
      run: (ref) => ref.truncatedNormal([3], 1, 1, { std: 0 }),
      error: 'ParamError',
      op: 'truncatedNormal',
      expected: 'std > 0',
      got: 'std = 0',
    },
    {
      name: 'limits the wrong way round',
      run: (ref) => ref.truncatedNormal([3], 1, 1, { a: 1, b: -1 }),
      error: 'ParamError',
      op: 'truncatedNormal',
      expected: 'a < b',
      got: 'a = 1, b = -1',
    },
  ],
  facts: [
    {
      name: 'has std 0.0200 cut at ±2, and 0.0176 cut at two sigma',
      got: (ref) => [
        deviation(ref.truncatedNormal([20000], 7, 0).data),
        deviation(ref.truncatedNormal([20000], 7, 0, { a: -0.04, b: 0.04 }).data),
      ],
      want: [20, 18],
    },
    {
      name: 'stays within its limits at the ends',
      got: (ref) => [ref.truncatedNormalQuantile(0), ref.truncatedNormalQuantile(1 - 2 ** -53, { b: 0.1 })],
      want: [-2, 0.1],
    },
  ],
};
