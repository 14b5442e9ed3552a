import type { OpSpec } from '../../judges/opSpec.js';

export const layerScale: OpSpec = {
  op: 'layerScale',
  golden: null,
  gradients: [],
  errors: [
    {
      name: 'a decay of 0',
      run: (ref) => ref.layerScale('stem1.0.weight', 2, 0),
      error: 'ParamError',
      op: 'layerScale',
      expected: 'decay > 0',
      got: 'decay = 0',
    },
  ],
  facts: [
    {
      name: 'the head is not scaled, and everything before it once more a layer',
      got: (ref) =>
        ['stem1.0.weight', 'stages.0.conv1.0.bias', 'stages.1.act.weight', 'cls1.2.weight', 'cls.2.bias'].map((name) =>
          ref.layerScale(name, 2, 0.5),
        ),
      want: [0.125, 0.25, 0.5, 1, 1],
    },
  ],
};
