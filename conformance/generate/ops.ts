/** Cases of single functions, forward and backward. */
import {
  batchNorm,
  batchNormBackward,
  config as configOf,
  deviation,
  lambdaSchedule,
  leakyRelu,
  tensor,
  valuesOf,
  zeros,
  type State,
} from '../../reference/index.js';
import { batchNormLayer } from '../../reference/layers.js';
import { resolveStep, type Loss, type OptimizerStep } from '../../src/core/optimizer.js';
import type { Layer, Op, WeightShape } from '../../src/core/network.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { gammaOf, IEEE } from '../../test/judges/arithmetic.js';
import { optimizerBound } from '../../test/judges/optimizerBound.js';
import { judgeLayer } from '../../test/judges/training/layerJudge.js';
import { lossBound } from '../../test/judges/training/lossBound.js';
import type { Verdict } from '../../test/wasm/judge.js';
import type { Case, Expected, Fault } from '../vectors.js';
import { draw, drawDistinct, fill } from './draw.js';
import { expectedOf, makeCase, resultsOf, type Results } from './makeCase.js';

const gamma = gammaOf(IEEE);

const toOracle = ({ data, shape }: Tensor) => tensor(data, shape);
const toTensor = (x: ReturnType<typeof tensor>): Tensor => ({ data: valuesOf(x), shape: x.shape });

/** Names of the gradients and statistics of a layer, as the kit has them. */
const OUTPUT_NAMES: Readonly<Record<string, string>> = {
  dx: 'dx',
  'layer.weight': 'dweight',
  'layer.bias': 'dbias',
};

type Window = { readonly stride: number; readonly padding: number };
interface LayerCall {
  readonly layer: Op;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly x: Tensor;
  readonly lambda?: number;
  readonly training?: boolean;
}

/** Its judge does not read the sizes of a layer. */
const SIZES = { input: [1, 1, 1], output: [1, 1, 1], parameters: 0, macs: 0 } as const;

/** Output and gradients of Σ dy·y, with their bounds. */
function runLayer({ layer, state, x, lambda = 0, training = false }: LayerCall, seed: number) {
  const named: StateDict = new Map(Object.entries(state).map(([part, value]) => [`layer.${part}`, value]));
  // A leaky ReLU with the slope λ is recognized by its name.
  const name = layer.op === 'leakyRelu' ? 'layer.leaky' : 'layer';
  const verdict = judgeLayer({ ...layer, ...SIZES, name }, named, x, { training, lambda, mask: null }, IEEE);
  const dy = draw(verdict.y.shape, seed);
  const outputs: Record<string, Verdict> = { y: verdict.y };
  for (const [key, each] of verdict.backward(dy)) outputs[OUTPUT_NAMES[key]] = each;
  for (const [key, each] of verdict.buffers) outputs[key.replace('layer.', 'new_')] = each;
  return { dy, outputs };
}

const layerCase = (
  name: string,
  op: string,
  attributes: Case['attributes'],
  call: LayerCall,
  faults: readonly (Omit<Fault, 'outputs'> & Partial<LayerCall>)[] = [],
): Case => {
  const { dy, outputs } = runLayer(call, 9);
  return makeCase({
    ...{ name: `${op}/${name}`, op, attributes },
    inputs: { x: call.x, ...call.state, dy },
    outputs: resultsOf(outputs),
    faults: faults.map(({ name: fault, description, ...change }) => ({
      ...{ name: fault, description },
      outputs: resultsOf(runLayer({ ...call, ...change }, 9).outputs),
    })),
  });
};

function convolutions(): Case[] {
  const conv = (shape: WeightShape, window: Window): Op => ({ op: 'conv2d', weight: shape, bias: true, ...window });
  const call = (x: readonly number[], weight: WeightShape, window: Window): LayerCall => ({
    layer: conv(weight, window),
    state: { weight: draw(weight, 2), bias: draw([weight[0]], 3) },
    x: draw(x, 1),
  });
  const depthwise = (x: readonly number[]): LayerCall => {
    const shape: WeightShape = [x[1], 1, 7, 7];
    const layer: Op = { op: 'depthwiseConv2d', weight: shape, bias: false, stride: 1, padding: 3 };
    return { layer, state: { weight: draw(shape, 2) }, x: draw(x, 1) };
  };
  const [pointwise, stem, ada] = [
    { stride: 1, padding: 0 },
    { stride: 4, padding: 0 },
    { stride: 3, padding: 1 },
  ];
  return [
    layerCase('pointwise', 'conv2d', pointwise, call([2, 5, 3, 5], [4, 5, 1, 1], pointwise)),
    layerCase('stem', 'conv2d', stem, call([1, 3, 13, 18], [5, 3, 4, 4], stem)),
    layerCase('stem-of-ada-pool', 'conv2d', ada, call([2, 3, 11, 13], [5, 3, 4, 4], ada)),
    layerCase('7x7', 'depthwise_conv2d', { padding: 3 }, depthwise([2, 5, 9, 8])),
    layerCase('map-smaller-than-kernel', 'depthwise_conv2d', { padding: 3 }, depthwise([2, 3, 1, 2])),
  ];
}

function activations(): Case[] {
  const x = drawDistinct([2, 3, 4, 5], 1);
  const call = (lambda: number): LayerCall => ({ layer: { op: 'leakyRelu', lambda }, state: {}, x, lambda });
  return [
    layerCase('lambda-0', 'leaky_relu', { lambda: 0 }, call(0), [
      { name: 'zero-is-absent', description: 'λ = 0 counts as absent, and becomes 1', lambda: 1 },
      { name: 'default-slope', description: 'the slope is PyTorch’s default 0.01', lambda: 0.01 },
    ]),
    layerCase('lambda-0.25', 'leaky_relu', { lambda: 0.25 }, call(0.25), [
      { name: 'one-minus-lambda', description: 'the slope is 1 − λ', lambda: 0.75 },
      { name: 'relu', description: 'λ is ignored: ReLU', lambda: 0 },
    ]),
    layerCase('lambda-1', 'leaky_relu', { lambda: 1 }, call(1), [
      { name: 'relu', description: 'λ is ignored: ReLU', lambda: 0 },
    ]),
    seriesActivation(),
  ];
}

/** The deploy form: ReLU, and a depthwise convolution with a bias. */
function seriesActivation(): Case {
  const [x, weight, bias] = [draw([2, 3, 6, 5], 1), draw([3, 1, 7, 7], 2), draw([3], 3)];
  const run = (input: Tensor, b: Tensor | null): Results => {
    const rectified = toTensor(leakyRelu(toOracle(input), 0));
    const window = { weight: [3, 1, 7, 7], stride: 1, padding: 3 } as const;
    const layer: Layer = { ...SIZES, name: 'layer', op: 'depthwiseConv2d', ...window, bias: b !== null };
    const state = new Map([['layer.weight', weight], ...(b === null ? [] : [['layer.bias', b] as const])]);
    const mode = { training: false, lambda: 0, mask: null };
    return resultsOf({ y: judgeLayer(layer, state, rectified, mode, IEEE).y });
  };
  const shifted = { ...x, data: x.data.map((v, i) => v + bias.data[Math.floor(i / 30) % 3]) };
  return makeCase({
    ...{ name: 'series_activation/deploy', op: 'series_activation', attributes: {} },
    inputs: { x, weight, bias },
    outputs: run(x, bias),
    faults: [
      {
        name: 'bias-in-relu',
        description: 'a·A(x + b), as the paper writes it, and not a·A(x) + b, as the official code computes it',
        outputs: run(shifted, null),
      },
    ],
  });
}

function pools(): Case[] {
  const ties = fill([2, 3, 5, 7], (i) => ((i * 7) % 5) - 2);
  const max = (x: Tensor): LayerCall => ({
    layer: { op: 'maxPool2d', kernel_size: 2, stride: 2 },
    ...{ state: {}, x },
  });
  const adaptive = (x: Tensor, size: readonly [number, number]): LayerCall => ({
    layer: { op: 'adaptiveMaxPool2d', output_size: size },
    ...{ state: {}, x },
  });
  const x = drawDistinct([2, 3, 7, 9], 4);
  const disjoint = disjointWindows(x, [4, 3]);
  const overlapping = layerCase('overlapping', 'adaptive_max_pool2d', { output_size: [4, 3] }, adaptive(x, [4, 3]));
  return [
    layerCase('odd-size', 'max_pool2d', { kernel_size: 2 }, max(drawDistinct([2, 3, 5, 7], 1))),
    layerCase('ties', 'max_pool2d', { kernel_size: 2 }, max(ties)),
    makeCase({
      ...overlapping,
      faults: [
        {
          name: 'disjoint-windows',
          description: 'windows end at ⌊(i+1)·H/o⌋ and not at ⌈(i+1)·H/o⌉',
          outputs: new Map([...overlapping.outputs].map(([name, e]) => [name, { ...e, values: disjoint(name) }])),
        },
      ],
    }),
    layerCase(
      'larger-than-its-input',
      'adaptive_max_pool2d',
      { output_size: [9, 9] },
      adaptive(drawDistinct([1, 2, 5, 6], 4), [9, 9]),
    ),
    layerCase(
      '5x7',
      'global_avg_pool',
      {},
      {
        layer: { op: 'globalAvgPool' },
        ...{ state: {}, x: draw([2, 5, 5, 7], 1) },
      },
    ),
  ];
}

/** Adaptive pooling with windows that do not overlap: those of a smaller input, whose rows and columns are repeated. */
function disjointWindows(x: Tensor, [oh, ow]: readonly [number, number]) {
  const [n, c, h, w] = x.shape;
  const [y, dx] = [new Float64Array(n * c * oh * ow), new Float64Array(x.data.length)];
  const dy = draw([n, c, oh, ow], 9).data;
  for (let map = 0; map < n * c; map++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++) {
        let best = -1;
        for (let r = Math.floor((i * h) / oh); r < Math.floor(((i + 1) * h) / oh); r++) {
          for (let s = Math.floor((j * w) / ow); s < Math.floor(((j + 1) * w) / ow); s++) {
            const at = (map * h + r) * w + s;
            if (best < 0 || x.data[at] > x.data[best]) best = at;
          }
        }
        const out = (map * oh + i) * ow + j;
        y[out] = x.data[best];
        dx[best] += dy[out];
      }
    }
  }
  return (name: string): Tensor => (name === 'y' ? { data: y, shape: [n, c, oh, ow] } : { data: dx, shape: x.shape });
}

/** A norm by running statistics, computed as (x − μ)·s·γ + β or as x·α + β′: the bound of reference/deviation.ts. */
function evaluated(x: Tensor, state: Readonly<Record<string, Tensor>>): Verdict {
  const config = configOf({ dims: [1, 1], strides: [1] });
  const oracle: State = new Map(Object.entries(state).map(([part, value]) => [`layer.${part}`, toOracle(value)]));
  const layer = batchNormLayer('layer');
  const trace = layer.forward(toOracle(x), oracle, { training: false });
  const step = { layer, x: toOracle(x), trace };
  const { local } = deviation(step, zeros(x.shape), config, oracle);
  return { shape: x.shape, exact: valuesOf(trace.y), bound: valuesOf(local) };
}

interface NormChange {
  readonly eps?: number;
  readonly momentum?: number;
  readonly runningVar?: 'biased' | 'unbiased';
}

function norms(): Case[] {
  const parts = (variance: readonly [number, number]) => ({
    weight: draw([4], 2, 0.5, 1.5),
    bias: draw([4], 3),
    running_mean: draw([4], 4),
    running_var: draw([4], 5, ...variance),
  });
  /** What the reference computes with other constants. The bounds are those of the right ones. */
  const changed = (right: Results, x: Tensor, dy: Tensor, state: ReturnType<typeof parts>, training: boolean) => {
    const weight = toOracle(state.weight);
    return (change: NormChange): Results => {
      const parameters = {
        weight,
        bias: toOracle(state.bias),
        runningMean: toOracle(state.running_mean),
        runningVar: toOracle(state.running_var),
      };
      const result = batchNorm(toOracle(x), parameters, { training, ...change });
      const { dx, dw, db } = batchNormBackward(toOracle(dy), weight, result.saved);
      const values: Record<string, Tensor> = {
        y: toTensor(result.y),
        dx: toTensor(dx),
        dweight: toTensor(dw),
        dbias: toTensor(db),
        new_running_mean: toTensor(result.runningMean),
        new_running_var: toTensor(result.runningVar),
      };
      return new Map([...right].map(([name, expected]) => [name, { ...expected, values: values[name] }]));
    };
  };
  const normCase = (
    name: string,
    training: boolean,
    { runningVar = 'unbiased' }: NormChange,
    x: Tensor,
    state: ReturnType<typeof parts>,
    faults: readonly (Omit<Fault, 'outputs'> & NormChange)[],
  ): Case => {
    const { dy, outputs } = runLayer({ layer: { op: 'batchNorm' }, state, x, training }, 9);
    const bounds = resultsOf(training ? outputs : { y: evaluated(x, state) });
    const compute = changed(bounds, x, dy, state, training);
    return makeCase({
      ...{ name: `batch_norm/${name}`, op: 'batch_norm' },
      attributes: { training, eps: 1e-6, momentum: 0.1, running_var: runningVar },
      inputs: { x, ...state, ...(training ? { dy } : {}) },
      outputs: compute({ runningVar }),
      faults: faults.map(({ name: fault, description, ...change }) => ({
        ...{ name: fault, description },
        outputs: compute({ runningVar, ...change }),
      })),
    });
  };
  const small = [1e-6, 1e-5] as const;
  const x = draw([3, 4, 2, 3], 1, -2, 3);
  const faint = fill(x.shape, (i) => x.data[i] / 256);
  const eps: readonly (Omit<Fault, 'outputs'> & NormChange)[] = [
    { name: 'eps-1e-5', description: 'ε is the default of PyTorch and PaddlePaddle, 1e-5, and not 1e-6', eps: 1e-5 },
    { name: 'eps-1e-3', description: 'ε is the default of Keras, 1e-3, and not 1e-6', eps: 1e-3 },
  ];
  const momentum = { name: 'momentum-0.9', description: 'running = 0.1·running + 0.9·batch', momentum: 0.9 };
  return [
    normCase('evaluation', false, {}, x, parts([0.5, 1.5]), []),
    normCase('evaluation-of-small-variances', false, {}, x, parts(small), eps),
    normCase('training', true, {}, x, parts([0.5, 1.5]), [
      { name: 'biased-variance', description: 'running_var averages the biased variance', runningVar: 'biased' },
      momentum,
    ]),
    normCase('training-on-small-variances', true, {}, faint, parts([0.5, 1.5]), eps),
    normCase('training-as-in-paddle', true, { runningVar: 'biased' }, x, parts([0.5, 1.5]), [
      {
        name: 'unbiased-variance',
        description: 'running_var averages the unbiased variance, as in PyTorch',
        runningVar: 'unbiased',
      },
      momentum,
    ]),
  ];
}

/** Classes and smoothing of the losses' targets: 1 − s + s/C for the class of the image, s/C for the others. */
const [CLASSES, SMOOTHING] = [7, 0.1];

function losses(): Case[] {
  const logits = draw([4, CLASSES], 1, -3, 3);
  const labels = [2, 0, 6, 3];
  const targetsOf = (on: number, off: number): Tensor =>
    fill([4, CLASSES], (i) => (i % CLASSES === labels[Math.floor(i / CLASSES)] ? on : off));
  const targets = targetsOf(1 - SMOOTHING + SMOOTHING / CLASSES, SMOOTHING / CLASSES);
  const run = (kind: Loss, q: Tensor, factor = 1): Results => {
    const { losses: each, dlogits } = lossBound(kind, logits, q, IEEE);
    const scaled = ({ exact, bound, shape }: Verdict): Verdict => ({
      ...{ shape, exact: exact.map((v) => v * factor), bound: bound.map((v) => v * factor) },
    });
    const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
    const most = sum(each.bound) / 4 + gamma(5) * (sum(each.exact) / 4);
    const loss = { shape: [], exact: Float64Array.of(sum(each.exact) / 4), bound: Float64Array.of(most) };
    return resultsOf({ loss: scaled(loss), dlogits: scaled(dlogits) });
  };
  return [
    makeCase({
      ...{ name: 'cross_entropy/smoothed', op: 'cross_entropy', attributes: {} },
      inputs: { logits, targets },
      outputs: run('cross-entropy', targets),
      faults: [
        {
          name: 'sum',
          description: 'the sum over the images, not the mean',
          outputs: run('cross-entropy', targets, 4),
        },
        {
          name: 'one-hot',
          description: 'the largest target only, without smoothing',
          outputs: run('cross-entropy', targetsOf(1, 0)),
        },
      ],
    }),
    makeCase({
      ...{ name: 'bce_with_logits/smoothed', op: 'bce_with_logits', attributes: {} },
      inputs: { logits, targets },
      outputs: run('bce', targets),
      faults: [
        {
          name: 'sum-over-classes',
          description: 'the sum over the classes, not the mean',
          outputs: run('bce', targets, CLASSES),
        },
      ],
    }),
  ];
}

/** Names of an optimizer's results, as the kit has them. */
const AFTER: Readonly<Record<string, string>> = {
  param: 'new_param',
  exp_avg: 'new_exp_avg',
  exp_avg_sq: 'new_exp_avg_sq',
  momentum_buffer: 'new_momentum_buffer',
};

function optimizers(): Case[] {
  const p = draw([4, 3], 1);
  const g = draw([4, 3], 2, -0.1, 0.1);
  const m = draw([4, 3], 3, -0.05, 0.05);
  const v = draw([4, 3], 4, 0.001, 0.01);
  const count = 3;
  const run = (step: OptimizerStep): Results =>
    new Map(
      [...optimizerBound({ p, g, m, v }, resolveStep(step), count, { value: 1, off: 0 }, IEEE)].map(
        ([name, { exact, bound }]) => [AFTER[name], expectedOf({ exact, bound, shape: p.shape })],
      ),
    );
  const optimizerCase = (
    op: string,
    step: OptimizerStep,
    faults: readonly (Omit<Fault, 'outputs'> & { readonly step: Partial<OptimizerStep> })[] = [],
  ): Case => {
    const { lr, betas, eps, weightDecay, momentum, nesterov } = resolveStep(step);
    const isSgd = step.kind === 'sgd';
    const settings = isSgd ? { momentum, nesterov } : { betas, eps, step: count };
    return makeCase({
      ...{ name: `${op}/step`, op, attributes: { lr, weight_decay: weightDecay, ...settings } },
      inputs: isSgd ? { param: p, grad: g, momentum_buffer: m } : { param: p, grad: g, exp_avg: m, exp_avg_sq: v },
      outputs: run(step),
      faults: faults.map(({ name, description, step: change }) => {
        // A fault of Adam has the outputs of another optimizer.
        return { name, description, outputs: run({ ...step, ...change }) };
      }),
    });
  };
  return [
    optimizerCase('sgd', { kind: 'sgd', lr: 0.1, momentum: 0.9, weightDecay: 0.05 }, [
      { name: 'nesterov', description: 'Nesterov’s momentum', step: { nesterov: true } },
    ]),
    optimizerCase('adam', { kind: 'adam', lr: 0.01, weightDecay: 0.2 }, [
      {
        name: 'decoupled-decay',
        description: 'the weight decay shrinks the parameter, as in AdamW, and is no part of the gradient',
        step: { kind: 'adamw' },
      },
    ]),
    optimizerCase('adamw', { kind: 'adamw', lr: 0.01, weightDecay: 0.2 }, [
      {
        name: 'coupled-decay',
        description: 'the weight decay is added to the gradient, as in Adam',
        step: { kind: 'adam' },
      },
    ]),
    optimizerCase('lamb', { kind: 'lamb', lr: 0.01, weightDecay: 0.2 }, [
      { name: 'no-decay', description: 'no weight decay, and therefore no trust ratio', step: { weightDecay: 0 } },
    ]),
  ];
}

/** λ of an epoch: exact to a rounding of each operation. */
function schedules(): Case[] {
  const epochs = [0, 1, 7, 19, 20, 50];
  const run = (schedule: 'linear' | 'cosine'): Expected => {
    const exact = Float64Array.from(epochs, (epoch) => lambdaSchedule(epoch, { schedule, decayEpochs: 20 }));
    // A quotient by the epochs, a product, a cosine and a difference of numbers up to 1.
    return expectedOf({
      shape: [epochs.length],
      exact,
      bound: exact.map((v) => (v === 0 || v === 1 ? 0 : 16 * IEEE.unit)),
    });
  };
  const input = { epoch: fill([epochs.length], (i) => epochs[i]) };
  const scheduleCase = (kind: 'linear' | 'cosine', other: 'linear' | 'cosine'): Case =>
    makeCase({
      ...{ name: `lambda_schedule/${kind}`, op: 'lambda_schedule', attributes: { kind, decay_epochs: 20 } },
      inputs: input,
      outputs: new Map([['lambda', run(kind)]]),
      faults: [{ name: other, description: `the ${other} schedule`, outputs: new Map([['lambda', run(other)]]) }],
    });
  return [scheduleCase('linear', 'cosine'), scheduleCase('cosine', 'linear')];
}

export const opCases = (): Case[] => [
  ...convolutions(),
  ...norms(),
  ...activations(),
  ...pools(),
  ...losses(),
  ...optimizers(),
  ...schedules(),
];
