import type { ErrorCase, OpSpec } from '../../judges/opSpec.js';

const refused = (name: string, sizes: object, expected: string, got: string): ErrorCase => ({
  name,
  run: (ref) => ref.config({ dims: [4, 6, 8], strides: [2, 1], ...sizes }),
  error: 'ParamError',
  op: 'config',
  expected,
  got,
});

export const config: OpSpec = {
  op: 'config',
  golden: null,
  gradients: [],
  errors: [
    refused('dims that do not fit strides', { dims: [4, 6] }, 'dims of 3 entries, one more than strides', '2'),
    refused('no stages', { dims: [4], strides: [] }, 'at least one stage', 'strides = []'),
    refused('ada_pool that does not fit strides', { ada_pool: [4] }, 'ada_pool of 2 entries, one for each stage', '1'),
    refused('no channels', { dims: [4, 0, 8] }, 'dims[1] an integer >= 1', 'dims[1] = 0'),
    refused('stride of zero', { strides: [0, 1] }, 'strides[0] an integer >= 1', 'strides[0] = 0'),
    refused('no classes', { num_classes: 0 }, 'num_classes an integer >= 1', 'num_classes = 0'),
    refused('half an act_num', { act_num: 1.5 }, 'act_num an integer >= 0', 'act_num = 1.5'),
    refused('everything dropped', { drop_rate: 1 }, 'drop_rate in [0, 1)', 'drop_rate = 1'),
    {
      name: 'a variant that was never published',
      run: (ref) => ref.variant('vanillanet_4'),
      error: 'ParamError',
      op: 'variant',
      expected:
        'one of vanillanet_5, vanillanet_6, vanillanet_7, vanillanet_8, vanillanet_9, vanillanet_10, vanillanet_11, ' +
        'vanillanet_12, vanillanet_13, vanillanet_13_x1_5, vanillanet_13_x1_5_ada_pool',
      got: '"vanillanet_4"',
    },
  ],
  facts: [
    {
      name: 'takes zero for a value',
      got: (ref) => [ref.config({ dims: [1, 1], strides: [1], act_num: 0 }).act_num],
      want: [0],
    },
  ],
};
