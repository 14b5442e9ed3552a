/** The reference of this package, in float64. */
import * as ref from '../../reference/index.js';
import { uniform } from '../../reference/index.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { fromOracle, stateToOracle, toOracle } from '../../src/oracle/state.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Port, PortFunction, Tensors } from '../port.js';
import type { Attributes } from '../vectors.js';
import { configOf, numberOf, pick, stateOf, trainWith } from './attributes.js';

type Oracle = ReturnType<typeof toOracle>;
type Operands = Readonly<Record<string, Oracle>>;

const scalar = (value: number): Tensor => ({ data: Float64Array.of(value), shape: [] });

/** A function of named tensors: numbers and tensors by their names. */
const op =
  (compute: (operands: Operands, attributes: Attributes) => Readonly<Record<string, Oracle | number>>): PortFunction =>
  (inputs, attributes) => {
    const operands = Object.fromEntries([...inputs].map(([name, value]) => [name, toOracle(value)]));
    return new Map(
      Object.entries(compute(operands, attributes)).map(([name, value]) => [
        name,
        typeof value === 'number' ? scalar(value) : fromOracle(value),
      ]),
    );
  };

const adamWith = (decoupled: boolean): PortFunction =>
  op(({ param, grad, exp_avg: m, exp_avg_sq: v }, { lr, betas, eps, weight_decay, step }) => {
    const options = { lr, betas, eps, weightDecay: weight_decay, decoupled } as ref.AdamOptions;
    const after = ref.adam(param, grad, { m, v }, step as number, options);
    return { new_param: after.param, new_exp_avg: after.m, new_exp_avg_sq: after.v };
  });

const network = (inputs: Tensors, attributes: Attributes) => {
  const x = pick(inputs, 'x');
  const config = configOf(attributes, x.shape.slice(2));
  const state = stateToOracle(stateOf(inputs, config));
  return { config: toOracleConfig(config), state, x: toOracle(x) };
};

export const reference: Port = {
  name: 'reference',
  precision: 'float64',
  functions: {
    conv2d: op(({ x, weight, bias, dy }, attributes) => {
      const window = attributes as { stride: number; padding: number };
      const { dx, dw, db } = ref.conv2dBackward(dy, x, weight, window);
      return { y: ref.conv2d(x, weight, bias, window), dx, dweight: dw, dbias: db };
    }),
    depthwise_conv2d: op(({ x, weight, dy }, attributes) => {
      const window = attributes as { padding: number };
      const { dx, dw } = ref.depthwiseConv2dBackward(dy, x, weight, window);
      return { y: ref.depthwiseConv2d(x, weight, null, window), dx, dweight: dw };
    }),
    batch_norm: op(({ x, weight, bias, running_mean, running_var, dy }, { training, eps, momentum, ...rest }) => {
      const parameters = { weight, bias, runningMean: running_mean, runningVar: running_var };
      const options = { training, eps, momentum, runningVar: rest.running_var } as ref.BatchNormOptions;
      const { y, runningMean, runningVar, saved } = ref.batchNorm(x, parameters, options);
      if (training !== true) return { y };
      const { dx, dw, db } = ref.batchNormBackward(dy, weight, saved);
      return { y, dx, dweight: dw, dbias: db, new_running_mean: runningMean, new_running_var: runningVar };
    }),
    leaky_relu: op(({ x, dy }, attributes) => {
      const lambda = numberOf(attributes, 'lambda');
      return { y: ref.leakyRelu(x, lambda), dx: ref.leakyReluBackward(dy, x, lambda) };
    }),
    series_activation: op(({ x, weight, bias }) => {
      const padding = (weight.shape[2] - 1) / 2;
      return { y: ref.depthwiseConv2d(ref.leakyRelu(x, 0), weight, bias, { padding }) };
    }),
    max_pool2d: op(({ x, dy }, attributes) => {
      const window = { kernelSize: numberOf(attributes, 'kernel_size') };
      return { y: ref.maxPool2d(x, window), dx: ref.maxPool2dBackward(dy, x, window) };
    }),
    adaptive_max_pool2d: op(({ x, dy }, { output_size }) => {
      const size = output_size as [number, number];
      return { y: ref.adaptiveMaxPool2d(x, size), dx: ref.adaptiveMaxPool2dBackward(dy, x, size) };
    }),
    global_avg_pool: op(({ x, dy }) => ({ y: ref.globalAvgPool(x), dx: ref.globalAvgPoolBackward(dy, x) })),
    cross_entropy: op(({ logits, targets }) => ({
      loss: ref.crossEntropy(logits, targets),
      dlogits: ref.crossEntropyBackward(logits, targets),
    })),
    bce_with_logits: op(({ logits, targets }) => ({
      loss: ref.bceWithLogits(logits, targets),
      dlogits: ref.bceWithLogitsBackward(logits, targets),
    })),
    sgd: op(({ param, grad, momentum_buffer }, { lr, momentum, nesterov, weight_decay }) => {
      const options = { lr, momentum, nesterov, weightDecay: weight_decay } as Parameters<typeof ref.sgd>[3];
      const after = ref.sgd(param, grad, momentum_buffer, options);
      return { new_param: after.param, new_momentum_buffer: after.buffer };
    }),
    adam: adamWith(false),
    adamw: adamWith(true),
    lamb: op(({ param, grad, exp_avg: m, exp_avg_sq: v }, { lr, betas, eps, weight_decay, step }) => {
      const options = { lr, betas, eps, weightDecay: weight_decay } as Parameters<typeof ref.lamb>[5];
      const after = ref.lamb(param, grad, { m, v }, step as number, ref.lambDivisor([grad]), options);
      return { new_param: after.param, new_exp_avg: after.m, new_exp_avg_sq: after.v };
    }),
    lambda_schedule: (inputs, { kind, decay_epochs }) => {
      const options = { schedule: kind as 'linear' | 'cosine', decayEpochs: decay_epochs as number };
      const { data, shape } = pick(inputs, 'epoch');
      return new Map([
        ['lambda', { data: Float64Array.from(data, (epoch) => ref.lambdaSchedule(epoch, options)), shape }],
      ]);
    },
    block(inputs, attributes) {
      const { in_channels, out_channels, stride, ada_pool, act_num, form } = attributes as Record<string, number> & {
        readonly form: 'train' | 'deploy';
      };
      const config = ref.config({
        ...{ dims: [in_channels, out_channels], strides: [stride], act_num, form },
        ada_pool: ada_pool === 0 ? null : [ada_pool],
      });
      const state = stateToOracle(new Map([...inputs].map(([name, value]) => [`stages.0.${name}`, value])));
      const mode = { training: false, lambda: numberOf(attributes, 'lambda') };
      const y = ref.block(config, 0).reduce((x, layer) => layer.forward(x, state, mode).y, toOracle(pick(inputs, 'x')));
      return new Map([['y', fromOracle(y)]]);
    },
    network(inputs, attributes) {
      const { config, state, x } = network(inputs, attributes);
      const { logits } = ref.forward(config, state, x, { training: false, lambda: numberOf(attributes, 'lambda') });
      return new Map([['logits', fromOracle(logits)]]);
    },
    fuse(inputs, attributes) {
      const config = configOf(attributes, [32, 32]);
      const probe = ref.tensor(
        Float64Array.from({ length: 3 * 32 * 32 }, (_, i) => uniform(1, 0, i)),
        [1, 3, 32, 32],
      );
      const state = stateToOracle(stateOf(inputs, config));
      const fused = ref.fuse(toOracleConfig(config), state, { lambda: 1, probe, boundedLogits: 1 });
      return new Map([...fused.state].map(([name, value]) => [`state.${name}`, fromOracle(value)]));
    },
    train: trainWith(oracleTrainer),
  },
};
