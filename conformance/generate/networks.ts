/** Cases of blocks and of all variants, narrow, in evaluation. */
import {
  block,
  config as configOf,
  deviation,
  forward,
  fuse,
  tensor,
  uniform,
  valuesOf,
  variant,
  VARIANTS,
  type Config,
  type State,
  type Step,
} from '../../reference/index.js';
import { SMALLEST_FLOAT32, toFloat32 } from '../../reference/index.js';
import { zeros } from '../../reference/tensor.js';
import type { Tensor } from '../../src/core/tensor.js';
import { ruledState } from '../../test/judges/ruledState.js';
import { gammaOf, IEEE } from '../../test/judges/arithmetic.js';
import type { Attributes, Case, Expected, Fault } from '../vectors.js';
import { draw, fill } from './draw.js';
import { expectedOf, makeCase, type Results } from './makeCase.js';

type Oracle = ReturnType<typeof tensor>;

const toOracle = ({ data, shape }: Tensor): Oracle => tensor(data, shape);
const toTensor = (x: Oracle): Tensor => ({ data: valuesOf(x), shape: x.shape });
/** Inputs are stored as the float32 numbers that they are. */
const toInput = (x: Oracle): Tensor => ({ data: Float32Array.from(valuesOf(x)), shape: x.shape });

/** Every network is this much narrower than the published one. */
const NARROWER = 256;

export const CLASSES = 5;

/** Weights with unit gain, norms with different statistics, all of them numbers of float32. */
export const stateOf = (config: Config, seed: number): State =>
  toFloat32(
    ruledState(config, (name, shape, k, j) => {
      const s = 2 * uniform(seed, k, j) - 1;
      if (shape.length === 4) return s * Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b));
      if (name.endsWith('.weight')) return 1 + 0.3 * s;
      if (name.endsWith('.running_mean')) return 0.3 * s;
      return name.endsWith('.running_var') ? 1 + 0.5 * s : 0.1 * s;
    }),
  );

export const narrow = (name: string): Config => {
  const { dims } = VARIANTS[name];
  return variant(name, { dims: dims.map((d) => Math.max(1, d / NARROWER)), num_classes: CLASSES });
};

/** The keys of a configuration that a port needs to build the network. */
export const attributesOf = (config: Config): Attributes => {
  const { dims, strides, ada_pool, in_chans, num_classes, act_num, form } = config;
  return { dims, strides, ada_pool, in_chans, num_classes, act_num, form };
};

/** The state under `state.`, without the counters of batches. */
export const stateInputs = (state: State, prefix = 'state.'): [string, Tensor][] =>
  [...state]
    .filter(([name]) => !name.endsWith('.num_batches_tracked'))
    .map(([name, value]) => [`${prefix}${name}`, toInput(value)]);

/**
 * The logits, with a bound to first order and away from kinks: Σ over all layers and elements of |∂z/∂y|·δ, where δ is
 * what the layer adds (reference/deviation.ts). The inputs are exact.
 */
function logitsOf(config: Config, state: State, x: Tensor, lambda: number): Results {
  const { logits, steps } = forward(config, state, toOracle(x), { training: false, lambda });
  const locals = steps.map((step) => valuesOf(deviation(step, zeros(step.x.shape), config, state, lambda).local));
  const [n, classes] = logits.shape;
  const bound = new Float64Array(n * classes);
  for (let c = 0; c < classes; c++) {
    // One pass gives the derivatives for every image, as images are independent in evaluation.
    let dy = zeros([n, classes, 1, 1]);
    for (let i = 0; i < n; i++) dy.set(i, c, 0, 0, 1);
    for (let l = steps.length - 1; l >= 0; l--) {
      const slopes = valuesOf(dy);
      const perImage = slopes.length / n;
      slopes.forEach((v, i) => (bound[Math.floor(i / perImage) * classes + c] += Math.abs(v) * locals[l][i]));
      dy = steps[l].trace.backward(dy).dx;
    }
  }
  return new Map([['logits', expectedOf({ shape: logits.shape, exact: valuesOf(logits), bound })]]);
}

interface NetworkFault extends Omit<Fault, 'outputs'> {
  readonly config?: Partial<Config>;
  readonly lambda?: number;
}

function networkCase(
  name: string,
  config: Config,
  state: State,
  x: Tensor,
  lambda: number,
  faults: readonly NetworkFault[] = [],
  others: readonly Fault[] = [],
): Case {
  return makeCase({
    ...{ name, op: 'network', attributes: { ...attributesOf(config), lambda } },
    inputs: new Map([['x', x], ...stateInputs(state)]),
    outputs: logitsOf(config, state, x, lambda),
    faults: [
      ...faults.map(({ name: fault, description, config: change, lambda: other = lambda }) => ({
        ...{ name: fault, description },
        outputs: logitsOf({ ...config, ...change }, state, x, other),
      })),
      ...others,
    ],
  });
}

/** The fused network, rounded to float32. */
export function deployOf(config: Config, state: State): { config: Config; state: State } {
  const probe = toOracle(draw([1, config.in_chans, 32, 32], 1));
  const fused = fuse(config, state, { lambda: 1, probe, boundedLogits: 1 });
  return { config: fused.config, state: toFloat32(fused.state) };
}

const STEM: NetworkFault = {
  name: 'stem-of-stride-4',
  description: 'the stem of an ada_pool network has stride 4 and no padding, and not stride 3 and padding 1',
  config: { article_stem: true },
};

const SLOPES: readonly NetworkFault[] = [
  { name: 'one-minus-lambda', description: 'the slope is 1 − λ', lambda: 0.75 },
  { name: 'relu', description: 'λ is ignored: ReLU', lambda: 0 },
  { name: 'identity', description: 'λ is ignored: the identity', lambda: 1 },
];

/** The logits of a network in evaluation that normalizes by the statistics of the batch. */
function batchStatistics(config: Config, state: State, x: Tensor, lambda: number, right: Results): Fault {
  const { logits } = forward(config, state, toOracle(x), { training: true, lambda });
  const { bound } = right.get('logits') as Expected;
  // In the training mode, roundings are amplified by the deviation of the batch: some powers of 2 are allowed for.
  const wide = { ...bound, data: bound.data.map((v) => 64 * v) };
  return {
    name: 'batch-statistics',
    description: 'evaluation normalizes by the statistics of the batch: the network is in training mode',
    outputs: new Map([['logits', { values: toTensor(logits), bound: wide }]]),
  };
}

export function variantCases(): Case[] {
  return Object.keys(VARIANTS).flatMap((name, i) => {
    const config = narrow(name);
    const state = stateOf(config, i + 1);
    const deploy = deployOf(config, state);
    const x = draw([i === 0 ? 2 : 1, 3, 32, 32], 50 + i);
    const stem = config.ada_pool === null ? [] : [STEM];
    const first = i === 0;
    const faults = first ? [batchStatistics(config, state, x, 1, logitsOf(config, state, x, 1))] : [];
    return [
      networkCase(`${name}/train-form`, config, state, x, 1, stem, faults),
      networkCase(`${name}/deploy-form`, deploy.config, deploy.state, x, 1, stem),
      ...(first
        ? [
            networkCase(`${name}/lambda-0.25`, config, state, x, 0.25, SLOPES),
            networkCase(`${name}/lambda-0`, config, state, x, 0, [
              { name: 'zero-is-absent', description: 'λ = 0 counts as absent, and becomes 1', lambda: 1 },
            ]),
          ]
        : []),
    ];
  });
}

/** The worst-case bound of a few layers in a row. */
function blockResults(config: Config, state: State, x: Tensor, lambda: number): Results {
  let map = toOracle(x);
  let e = zeros(x.shape);
  for (const layer of block(config, 0)) {
    const trace = layer.forward(map, state, { training: false, lambda });
    const step: Step = { layer, x: map, trace };
    e = deviation(step, e, config, state, lambda).total;
    map = trace.y;
  }
  return new Map([['y', expectedOf({ shape: map.shape, exact: valuesOf(map), bound: valuesOf(e) })]]);
}

export function blockCases(): Case[] {
  const blockCase = (
    name: string,
    form: 'train' | 'deploy',
    { stride, size, lambda }: { stride: number; size: number; lambda: number },
    faults: readonly (Omit<Fault, 'outputs'> & { lambda: number })[] = [],
  ): Case => {
    const train = configOf({ dims: [4, 6], strides: [stride], ada_pool: size === 0 ? null : [size], num_classes: 3 });
    const { config, state } =
      form === 'train' ? { config: train, state: stateOf(train, 7) } : deployOf(train, stateOf(train, 7));
    const own = new Map([...state].filter(([key]) => key.startsWith('stages.0.')));
    const x = draw([2, 4, 6, 7], 8);
    return makeCase({
      ...{ name: `block/${name}`, op: 'block' },
      attributes: { in_channels: 4, out_channels: 6, stride, ada_pool: size, act_num: 3, form, lambda },
      inputs: new Map([
        ['x', x],
        ...stateInputs(own).map(([key, value]) => [key.replace('state.stages.0.', ''), value] as const),
      ]),
      outputs: blockResults(config, state, x, lambda),
      faults: faults.map(({ name: fault, description, lambda: other }) => ({
        ...{ name: fault, description },
        outputs: blockResults(config, state, x, other),
      })),
    });
  };
  return [
    blockCase('train-form', 'train', { stride: 2, size: 0, lambda: 0.25 }, [
      { name: 'one-minus-lambda', description: 'the slope is 1 − λ', lambda: 0.75 },
      { name: 'relu', description: 'λ is ignored: ReLU', lambda: 0 },
    ]),
    blockCase('train-form-without-pool', 'train', { stride: 1, size: 0, lambda: 1 }),
    blockCase('train-form-with-adaptive-pool', 'train', { stride: 2, size: 4, lambda: 0.5 }),
    blockCase('deploy-form', 'deploy', { stride: 2, size: 0, lambda: 1 }),
  ];
}

/** Magnitudes of the terms of a fusion: the same products of absolute values. */
function fusionMagnitudes(config: Config, state: State): State {
  const sizes = new Map(
    [...state].map(([name, value]) => {
      const data = valuesOf(value).map(Math.abs);
      // b − μ: the sizes are added, as −|μ|.
      return [name, tensor(name.endsWith('.running_mean') ? data.map((v) => -v) : data, value.shape)] as const;
    }),
  );
  const probe = toOracle(fill([1, config.in_chans, 32, 32], () => 0));
  return fuse(config, sizes, { lambda: 1, probe, boundedLogits: 1 }).state;
}

/**
 * A fused weight is a sum of products over the channels between two convolutions. Each factor t = γ/√(σ² + ε) takes
 * at most five roundings, with that of ε; a weight or a bias two more; then one for each channel and the second bias.
 */
function fused(config: Config, state: State, exact: State): Results {
  const sizes = fusionMagnitudes(config, state);
  const most = Math.max(...config.dims, config.num_classes);
  const share = gammaOf(IEEE)(most + 2 * (5 + 2) + 2);
  return new Map(
    [...exact].map(([name, value]) => {
      const magnitude = valuesOf(sizes.get(name) ?? value);
      const bound = magnitude.map((v) => share * Math.abs(v) + SMALLEST_FLOAT32);
      return [`state.${name}`, expectedOf({ shape: value.shape, exact: valuesOf(value), bound })];
    }),
  );
}

export function fusionCases(): Case[] {
  return ['vanillanet_5', 'vanillanet_7'].map((name, i) => {
    const config = narrow(name);
    // Small variances, so that ε counts.
    const state = new Map(
      [...stateOf(config, 30 + i)].map(([key, value]) => {
        const small = key.endsWith('.running_var') && key.startsWith('stages.0.');
        return [
          key,
          small
            ? tensor(
                Float32Array.from(valuesOf(value), (v) => v * 1e-4),
                value.shape,
              )
            : value,
        ] as const;
      }),
    );
    const probe = toOracle(draw([1, 3, 32, 32], 1));
    const run = (from: State): State => fuse(config, from, { lambda: 1, probe, boundedLogits: 1 }).state;
    const shifted = (eps: number): State =>
      new Map(
        [...state].map(([key, value]) =>
          key.endsWith('.running_var')
            ? ([
                key,
                tensor(
                  valuesOf(value).map((v) => v + eps - 1e-6),
                  value.shape,
                ),
              ] as const)
            : ([key, value] as const),
        ),
      );
    const withoutBias = new Map(
      [...state].map(([key, value]) => {
        const before = /(stem\d\.0|conv\d\.0|cls1\.2)\.bias$/.test(key);
        return [key, before ? zeros(value.shape) : value] as const;
      }),
    );
    return makeCase({
      ...{ name: `fuse/${name}`, op: 'fuse', attributes: attributesOf(config) },
      inputs: new Map(stateInputs(state)),
      outputs: fused(config, state, run(state)),
      faults: [
        {
          name: 'eps-1e-5',
          description: 'ε is 1e-5, and not 1e-6',
          outputs: fused(config, state, run(shifted(1e-5))),
        },
        {
          name: 'bias-before-norm-ignored',
          description: 'the biases of convolutions before a normalization are left out',
          outputs: fused(config, state, run(withoutBias)),
        },
      ],
    });
  });
}
