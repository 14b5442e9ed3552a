import { config, type Config } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { GradientCase, OpSpec, Reference, Tensors } from '../../judges/opSpec.js';
import { goldenState } from '../../judges/ruledState.js';

const SMALL = { dims: [2, 3, 4], strides: [2, 1], num_classes: 3, act_num: 1, ada_pool: null };

/** Gradients of the whole chain, for the image and for a parameter of each kind. */
const gradient = (
  name: string,
  network: Config,
  size: number,
  parameters: string[],
  training: boolean,
): GradientCase => {
  const state = goldenState(network, 5, []);
  const run = (ref: Reference, { x, ...moved }: Tensors) =>
    ref.forward(network, new Map([...state, ...Object.entries(moved)]), x, { training, lambda: 0.25 });
  const own = [...state].filter(([key]) => parameters.includes(key));
  return {
    name,
    inputs: { x: draw([3, network.in_chans, size, size], 7), ...Object.fromEntries(own) },
    // No size is a multiple of seven, so there are pixels of every row and column.
    spacing: { x: 7 },
    forward: (ref, inputs) => run(ref, inputs).logits,
    backward(ref, dy, inputs) {
      const { dx, grads } = run(ref, inputs).backward(dy);
      return { x: dx, ...Object.fromEntries([...grads].filter(([key]) => parameters.includes(key))) };
    },
  };
};

const TRAIN = config({ ...SMALL, in_chans: 1 });
const ADAPTIVE = config({ ...SMALL, in_chans: 1, ada_pool: [3, 0], act_num: 2 });
const DEPLOY = config({ ...SMALL, in_chans: 1, form: 'deploy' });
const KINDS = [
  'stem1.0.weight',
  'stem1.1.weight',
  'stages.0.act.weight',
  'stages.1.act.bn.weight',
  'cls1.3.weight',
  'cls2.0.bias',
];

const image = (size: number) => draw([1, 3, size, size], 1);

export const vanillaNet: OpSpec = {
  op: 'vanillaNet',
  golden: null,
  gradients: [
    gradient('train form in training', TRAIN, 12, KINDS, true),
    gradient('train form in eval', TRAIN, 8, KINDS, false),
    gradient('adaptive pooling', ADAPTIVE, 13, KINDS, true),
    gradient('deploy form', DEPLOY, 9, ['stem.0.bias', 'stages.1.act.bias', 'cls.2.weight'], false),
  ],
  errors: [
    {
      name: 'gray image for a color network',
      run: (ref) =>
        ref.forward(config(SMALL), goldenState(config(SMALL), 5, []), draw([1, 1, 32, 32], 1), { training: false }),
      error: 'ShapeError',
      op: 'vanillaNet',
      expected: 'x [n,3,h,w]',
      got: 'x [1,1,32,32]',
    },
    {
      name: '31x31 for VanillaNet-5',
      run(ref) {
        const network = config({ ...SMALL, dims: [2, 2, 2, 2], strides: [2, 2, 2] });
        return ref.forward(network, goldenState(network, 5, []), image(31), { training: false, lambda: 1 });
      },
      error: 'ShapeError',
      op: 'maxPool2d',
      expected: 'a map of at least 2x2',
      got: 'x [1,2,1,1]',
    },
    {
      name: 'train form without λ',
      run: (ref) => ref.forward(config(SMALL), goldenState(config(SMALL), 5, []), image(32), { training: false }),
      error: 'ParamError',
      op: 'stem1.leaky',
      expected: 'lambda in [0, 1] for the train form',
      got: 'no lambda',
    },
    {
      name: 'a batch of one in training',
      run: (ref) =>
        ref.forward(config(SMALL), goldenState(config(SMALL), 5, []), image(32), { training: true, lambda: 0 }),
      error: 'ShapeError',
      op: 'batchNorm',
      expected: 'more than one value per channel in training',
      got: 'x [1,3,1,1]',
    },
    {
      name: 'state without a tensor',
      run: (ref) => ref.forward(config(SMALL), new Map(), image(32), { training: true, lambda: 0 }),
      error: 'WeightsError',
      op: 'stem1.0.weight',
      expected: 'a tensor of this name',
      got: 'none',
    },
    {
      name: 'upstream gradient of other classes',
      run: (ref) =>
        ref
          .forward(config(SMALL), goldenState(config(SMALL), 5, []), image(32), { training: false, lambda: 0 })
          .backward(draw([1, 4], 1)),
      error: 'ShapeError',
      op: 'vanillaNet backward',
      expected: 'dlogits [1,3]',
      got: 'dlogits [1,4]',
    },
  ],
  facts: [
    {
      name: 'has the official stem for adaptive pooling, and the article’s with article_stem',
      got: (ref) =>
        [false, true].map((article_stem) => {
          const network = config({ ...SMALL, ada_pool: [0, 0], article_stem });
          const { steps } = ref.forward(network, goldenState(network, 5, []), image(33), {
            training: false,
            lambda: 1,
          });
          return steps[0].trace.y.shape[2];
        }),
      want: [11, 8],
    },
    {
      name: 'does not pool in a stage of stride 1, for any ada_pool',
      got(ref) {
        const network = config({ ...SMALL, ada_pool: [0, 4] });
        const { steps } = ref.forward(network, goldenState(network, 5, []), image(33), { training: false, lambda: 1 });
        return steps[steps.length - 6].x.shape.slice(2);
      },
      want: [5, 5],
    },
    {
      name: 'drops out by seed and step, and only in training',
      got(ref) {
        const network = config({ ...SMALL, drop_rate: 0.5 });
        const state = goldenState(network, 5, []);
        const x = draw([4, 3, 32, 32], 2);
        const first = (mode: { training: boolean; seed?: number; step?: number }): number =>
          ref.forward(network, state, x, { lambda: 0, ...mode }).logits.get(0, 0);
        const base = first({ training: true, seed: 1, step: 1 });
        return [
          Number(base === first({ training: true, seed: 1, step: 1 })),
          Number(base === first({ training: true, seed: 1, step: 2 })),
          Number(base === first({ training: true, seed: 2, step: 1 })),
          Number(first({ training: false, seed: 1 }) === first({ training: false, seed: 2 })),
        ];
      },
      want: [1, 0, 0, 1],
    },
  ],
};
