/** The functions of vanillanet/reference. */
import * as reference from '../../../reference/index.js';
import type { Tensor } from '../../../reference/index.js';
import { entryTargets } from '../entry.js';
import type { Random } from '../random.js';
import type { Target } from '../target.js';

const size = (random: Random, most = 3): number => random.integer(1, most);

/** A tensor of values in [low, high). */
const draw = (random: Random, shape: readonly number[], low = -1, high = 1): Tensor =>
  reference.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.number(low, high)),
    shape,
  );

/** A word that is not mistaken for a size. */
const seedOf = (random: Random): number => 2 ** 31 + random.integer(0, 2 ** 31 - 1);

const maps = (random: Random): number[] => [size(random, 2), size(random), random.integer(2, 5), random.integer(2, 5)];

const mask = (random: Random, shape: readonly number[]): Tensor => {
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random.chance(0.5) ? 1 : 0));
  return reference.tensor(values, shape);
};

const CONFIG = reference.config({ dims: [2, 3], strides: [2], in_chans: 1, num_classes: 3, act_num: 1 });
const DEPLOY = reference.config({ ...CONFIG, form: 'deploy' });
const STATE = reference.initialize(CONFIG, { seed: 1 });
const DEPLOY_STATE = reference.initialize(DEPLOY, { seed: 1 });
const images = (random: Random): Tensor => draw(random, [2, 1, 8, 8]);

const state = (): Map<string, Tensor> => new Map(STATE);
const deployState = (): Map<string, Tensor> => new Map(DEPLOY_STATE);

const norm = (random: Random, c: number): reference.BatchNormParameters => ({
  weight: draw(random, [c]),
  bias: draw(random, [c]),
  runningMean: draw(random, [c]),
  runningVar: draw(random, [c], 0, 2),
});

function convolution(random: Random): { x: Tensor; weight: Tensor; bias: Tensor; options: reference.ConvOptions } {
  const [n, c, h, w] = maps(random);
  const k = size(random);
  const weight = draw(random, [k, c, size(random, 2), size(random, 2)]);
  const options = { stride: size(random, 2), padding: random.integer(0, 1) };
  return { x: draw(random, [n, c, h, w]), weight, bias: draw(random, [k]), options };
}

const logits = (random: Random): [Tensor, Tensor] => {
  const shape = [size(random), random.integer(2, 4)];
  return [draw(random, shape, -5, 5), draw(random, shape, 0, 1)];
};

const labels = (random: Random): [Tensor, number[], number] => {
  const [n, c] = [size(random), random.integer(2, 4)];
  return [draw(random, [n, c]), Array.from({ length: n }, () => random.integer(0, c - 1)), 0.1];
};

const pair = (random: Random): [Tensor, Tensor] => {
  const shape = [size(random), random.integer(2, 4)];
  return [draw(random, shape), draw(random, shape)];
};

const moments = (random: Random, shape: readonly number[]): reference.AdamMoments => ({
  m: draw(random, shape),
  v: draw(random, shape, 0, 1),
});

const adamOptions = { lr: 0.01, betas: [0.9, 0.99] as const, eps: 1e-8, weightDecay: 0.1 };

const series = (random: Random) => {
  const [n, c, h, w] = maps(random);
  const x = draw(random, [n, c, h, w]);
  return { x, weight: draw(random, [c, 1, 3, 3]), bn: norm(random, c), options: { training: n * h * w > 1 } };
};

const trainOptions = {
  lr: 0.01,
  lambda: 0.5,
  optimizer: 'adam',
  weightDecay: 0.1,
  gradAccumSteps: 1,
  seed: 1,
} as const;

/** Passes of a whole network. */
const PASS = { longest: 32 };

/** Loops over tensors whose sizes the caller chooses: a tensor may have 1 GiB. */
const LOOPS = { allowance: 2 ** 30, longest: 4096 };

export const targets: readonly Target[] = entryTargets(
  'reference',
  reference,
  {
    tensor: (random) => {
      const shape = maps(random);
      return [Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.number(-1, 1)), shape];
    },
    zeros: (random) => [maps(random)],
    valuesOf: (random) => [draw(random, maps(random)).transpose(1, 0, 3, 2)],
    conv2d: (random) => {
      const { x, weight, bias, options } = convolution(random);
      return [x, weight, random.chance(0.5) ? bias : null, options];
    },
    conv2dBackward: (random) => {
      const { x, weight, options } = convolution(random);
      const y = reference.conv2d(x, weight, null, { ...options, padding: 1 });
      return [draw(random, y.shape), x, weight, { ...options, padding: 1 }];
    },
    depthwiseConv2d: (random) => {
      const [n, c, h, w] = maps(random);
      return [draw(random, [n, c, h, w]), draw(random, [c, 1, 2, 2]), draw(random, [c]), { stride: 1, padding: 1 }];
    },
    depthwiseConv2dBackward: (random) => {
      const [n, c, h, w] = maps(random);
      return [draw(random, [n, c, h, w]), draw(random, [n, c, h, w]), draw(random, [c, 1, 3, 3]), { padding: 1 }];
    },
    batchNorm: (random) => {
      const shape = maps(random);
      return [draw(random, shape), norm(random, shape[1]), { training: random.chance(0.5), momentum: 0.1, eps: 1e-6 }];
    },
    batchNormBackward: (random) => {
      const shape = maps(random);
      const { saved } = reference.batchNorm(draw(random, shape), norm(random, shape[1]), { training: true });
      return [draw(random, shape), draw(random, [shape[1]]), { ...saved }];
    },
    leakyRelu: (random) => [draw(random, maps(random)), random.unit()],
    leakyReluBackward: (random) => {
      const shape = maps(random);
      return [draw(random, shape), draw(random, shape), random.unit()];
    },
    maxPool2d: (random) => [draw(random, maps(random)), { kernelSize: 2, stride: size(random) }],
    maxPool2dBackward: (random) => {
      const [n, c, h, w] = maps(random);
      return [draw(random, [n, c, h - 1, w - 1]), draw(random, [n, c, h, w]), { kernelSize: 2, stride: 1 }];
    },
    adaptiveMaxPool2d: (random) => [draw(random, maps(random)), [size(random), size(random)]],
    adaptiveMaxPool2dBackward: (random) => {
      const [n, c, h, w] = maps(random);
      return [draw(random, [n, c, 2, 3]), draw(random, [n, c, h, w]), [2, 3]];
    },
    globalAvgPool: (random) => [draw(random, maps(random))],
    globalAvgPoolBackward: (random) => {
      const [n, c, h, w] = maps(random);
      return [draw(random, [n, c, 1, 1]), draw(random, [n, c, h, w])];
    },
    dropout: (random) => {
      const shape = maps(random);
      return [draw(random, shape), mask(random, shape), random.number(0, 0.9)];
    },
    dropoutBackward: (random) => {
      const shape = maps(random);
      return [draw(random, shape), mask(random, shape), random.number(0, 0.9)];
    },
    dropoutMask: (random) => [maps(random), random.number(0, 0.9), seedOf(random), seedOf(random)],
    dropPath: (random) => {
      const shape = maps(random);
      return [draw(random, shape), mask(random, [shape[0]]), random.number(0, 0.9)];
    },
    dropPathBackward: (random) => {
      const shape = maps(random);
      return [draw(random, shape), mask(random, [shape[0]]), random.number(0, 0.9)];
    },
    softmax: (random) => [pair(random)[0]],
    softmaxBackward: pair,
    logSoftmax: (random) => [pair(random)[0]],
    logSoftmaxBackward: pair,
    labelSmoothingCrossEntropy: labels,
    labelSmoothingCrossEntropyBackward: labels,
    crossEntropy: logits,
    crossEntropyBackward: logits,
    bceWithLogits: logits,
    bceWithLogitsBackward: logits,
    adam: (random) => {
      const shape = [size(random), size(random)];
      const step = random.integer(1, 9);
      return [
        draw(random, shape),
        draw(random, shape),
        moments(random, shape),
        step,
        { ...adamOptions, decoupled: true },
      ];
    },
    sgd: (random) => {
      const shape = [size(random), size(random)];
      const options = { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 };
      return [draw(random, shape), draw(random, shape), draw(random, shape), options];
    },
    lamb: (random) => {
      const shape = [size(random), size(random)];
      return [draw(random, shape), draw(random, shape), moments(random, shape), 3, 2, { ...adamOptions }];
    },
    lambDivisor: (random) => [[draw(random, [2]), draw(random, [1, 3])]],
    layerScale: (random) => [
      random.pick(['stem1.0.weight', 'stages.0.conv1.0.weight', 'cls1.2.bias']),
      3,
      random.number(0.1, 1),
    ],
    ema: (random) => [new Map([['a', draw(random, [2])]]), new Map([['a', draw(random, [2])]]), random.unit()],
    cosineAnnealing: (random) => [random.integer(0, 5), { baseLr: 0.1, tMax: 5, etaMin: 0.01 }],
    lambdaSchedule: (random) => [random.integer(0, 9), { schedule: random.pick(['linear', 'cosine']), decayEpochs: 5 }],
    philox4x32: (random) => [
      [random.uint32(), random.uint32(), random.uint32(), random.uint32()],
      [random.uint32(), random.uint32()],
    ],
    uniform: (random) => [seedOf(random), seedOf(random), seedOf(random)],
    normalCdf: (random) => [random.number(-9, 9)],
    normalQuantile: (random) => [random.unit()],
    truncatedNormal: (random) => [[2, 3], seedOf(random), seedOf(random), { mean: 0, std: 0.02, a: -2, b: 2 }],
    truncatedNormalQuantile: (random) => [random.unit(), { mean: 0, std: 0.02, a: -2, b: 2 }],
    seriesActivation: (random) => {
      const { x, weight, bn, options } = series(random);
      return [x, weight, bn, options];
    },
    seriesActivationBackward: (random) => {
      const { x, weight, bn, options } = series(random);
      const { y, saved } = reference.seriesActivation(x, weight, bn, options);
      return [draw(random, y.shape), weight, bn.weight, { ...saved }];
    },
    config: () => [
      { dims: [2, 3], strides: [2], ada_pool: [1], in_chans: 1, num_classes: 3, act_num: 1, form: 'train' },
    ],
    variant: (random) => [random.pick(['vanillanet_5', 'vanillanet_13']), { num_classes: 10 }],
    block: (random) => [{ ...random.pick([CONFIG, DEPLOY]) }, 0],
    vanillaNet: (random) => [{ ...random.pick([CONFIG, DEPLOY]) }],
    forward: {
      traits: PASS,
      draw: (random) =>
        random.chance(0.5)
          ? [{ ...CONFIG }, state(), images(random), { training: random.chance(0.5), lambda: 0.5, seed: 1, step: 2 }]
          : [{ ...DEPLOY }, deployState(), images(random), { training: false }],
    },
    initialize: { traits: PASS, draw: (random) => [{ ...random.pick([CONFIG, DEPLOY]) }, { seed: seedOf(random) }] },
    accumulate: {
      traits: PASS,
      draw: (random) => [
        { ...CONFIG },
        state(),
        images(random),
        draw(random, [2, 3], 0, 1),
        { lambda: 0.5, loss: random.pick(['cross-entropy', 'bce']), seed: 1, step: 0, parts: 1 },
      ],
    },
    startTraining: () => [state()],
    trainStep: {
      traits: PASS,
      draw: (random) => {
        const options = { ...trainOptions, optimizer: random.pick(['adam', 'adamw', 'sgd', 'lamb'] as const) };
        return [{ ...CONFIG }, reference.startTraining(state()), images(random), [0, 2], options];
      },
    },
    fuse: {
      traits: PASS,
      draw: (random) => [{ ...CONFIG }, state(), { lambda: 1, probe: images(random), boundedLogits: 2 }],
    },
    deviation: {
      traits: PASS,
      draw: (random) => {
        const x = images(random);
        const { steps } = reference.forward(DEPLOY, DEPLOY_STATE, x, { training: false });
        const step = random.pick(steps);
        return [
          { ...step },
          reference.zeros(step.x.shape),
          { ...DEPLOY },
          deployState(),
          1,
          { ...reference.TO_NEAREST },
        ];
      },
    },
    float32Bound: {
      traits: PASS,
      draw: (random) => [{ ...DEPLOY }, deployState(), images(random), random.integer(1, 3)],
    },
    toFloat32: () => [state()],
    gamma: (random) => [random.integer(1, 1000)],
  },
  LOOPS,
);
