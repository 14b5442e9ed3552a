import { config, tensor, valuesOf, zeros, type Config, type State } from '../../../reference/index.js';
import { draw } from '../../judges/draw.js';
import type { ErrorCase, Fact, OpSpec, Reference } from '../../judges/opSpec.js';
import { goldenState } from '../../judges/ruledState.js';

const SMALL = config({ dims: [4, 5, 6], strides: [2, 1], num_classes: 3, act_num: 1 });
const STATE = goldenState(SMALL, 5, []);
const probe = (c: number) => draw([2, c, 33, 29], 3);

/** 1 where the fused network's logits are the unfused one's, to 1e-13 of the largest. */
const agrees = (ref: Reference, network: Config): number => {
  const { report } = ref.fuse(network, goldenState(network, 5, []), { lambda: 1, probe: probe(network.in_chans) });
  return Number(report.maxDifference <= 1e-13 * report.maxLogit && report.maxLogit > 0.01);
};

const NETWORKS: Record<string, Config> = {
  'of plain pooling': SMALL,
  'of adaptive pooling on the padded stem': config({ ...SMALL, ada_pool: [4, 0] }),
  'of adaptive pooling on the article’s stem': config({ ...SMALL, ada_pool: [4, 0], article_stem: true }),
  'of gray images, five classes and no act_num': config({ ...SMALL, in_chans: 1, num_classes: 5, act_num: 0 }),
  'of one stage without pooling': config({ ...SMALL, dims: [3, 3], strides: [1], act_num: 3 }),
};

const refusal = (name: string, state: State, expected: string, got: string, lambda = 1): ErrorCase => ({
  name,
  run: (ref) => ref.fuse(SMALL, state, { lambda, probe: probe(3) }),
  error: 'FusionError',
  op: 'fuse',
  expected,
  got,
});

const without = (name: string): State => new Map([...STATE].filter(([key]) => key !== name));
const poisoned = (name: string, value: number): State => {
  const original = STATE.get(name) ?? zeros([]);
  const values = valuesOf(original);
  values[1] = value;
  return new Map(STATE).set(name, tensor(values, original.shape));
};

export const fuse: OpSpec = {
  op: 'fuse',
  golden: null,
  gradients: [],
  errors: [
    refusal('λ just below 1', STATE, 'lambda = 1', 'lambda = 0.999', 0.999),
    refusal('λ of 0', STATE, 'lambda = 1', 'lambda = 0', 0),
    refusal(
      'no running mean',
      without('stages.1.conv2.1.running_mean'),
      'running statistics: stages.1.conv2.1.running_mean',
      'none',
    ),
    refusal(
      'no running variance',
      without('stem2.2.bn.running_var'),
      'running statistics: stem2.2.bn.running_var',
      'none',
    ),
    refusal('no weight', without('cls2.0.weight'), 'a tensor cls2.0.weight', 'none'),
    refusal('NaN in a weight', poisoned('stem1.0.weight', NaN), 'finite values in stem1.0.weight', 'NaN at element 1'),
    refusal(
      'infinite scale',
      poisoned('stages.0.act.bn.weight', Infinity),
      'finite values in stages.0.act.bn.weight',
      'Infinity at element 1',
    ),
    refusal('negative variance', poisoned('cls1.3.running_var', -0.5), 'cls1.3.running_var >= 0', '-0.5 at element 1'),
    {
      name: 'a network that is fused already',
      run: (ref) => ref.fuse({ ...SMALL, form: 'deploy' }, STATE, { lambda: 1, probe: probe(3) }),
      error: 'FusionError',
      op: 'fuse',
      expected: 'the train form',
      got: 'the deploy form',
    },
  ],
  facts: [
    ...Object.entries(NETWORKS).map(([name, network]): Fact => ({
      name: `${name} changes nothing`,
      got: (ref) => [agrees(ref, network)],
      want: [1],
    })),
    {
      name: 'reports the normalization that amplifies most',
      got(ref) {
        const tiny = poisoned('stages.0.conv2.1.running_var', 1e-8);
        const { maxScale } = ref.fuse(SMALL, tiny, { lambda: 1, probe: probe(3) }).report;
        const gamma = STATE.get('stages.0.conv2.1.weight')?.get(1) ?? NaN;
        return [
          Number(maxScale.name === 'stages.0.conv2.1'),
          maxScale.channel,
          maxScale.value / (gamma / Math.sqrt(1.01e-6)),
        ];
      },
      want: [1, 1, 1],
    },
    {
      name: 'leaves the trained state as it was',
      got(ref) {
        const before = [...STATE.values()].map((x) => valuesOf(x).join());
        ref.fuse(SMALL, STATE, { lambda: 1, probe: probe(3) });
        return [Number([...STATE.values()].every((x, i) => valuesOf(x).join() === before[i]))];
      },
      want: [1],
    },
    {
      name: 'names the deploy form’s tensors as PyTorch does',
      got(ref) {
        const { config: deploy, state } = ref.fuse(SMALL, STATE, { lambda: 1, probe: probe(3) });
        const names = [...ref.initialize(deploy, { seed: 0 }).keys()];
        return [Number([...state.keys()].join() === names.join()), names.length];
      },
      want: [1, 14],
    },
  ],
};
