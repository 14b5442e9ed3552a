import { adaptiveMaxPool2d, adaptiveMaxPool2dBackward } from './adaptiveMaxPool2d.js';
import { batchNorm, batchNormBackward } from './batchNorm.js';
import { conv2d, conv2dBackward, type ConvOptions } from './conv2d.js';
import { depthwiseConv2d, depthwiseConv2dBackward } from './depthwiseConv2d.js';
import { dropout, dropoutBackward, dropoutMask } from './dropout.js';
import { ParamError, WeightsError } from './errors.js';
import { globalAvgPool, globalAvgPoolBackward } from './globalAvgPool.js';
import { leakyRelu, leakyReluBackward } from './leakyRelu.js';
import { maxPool2d, maxPool2dBackward } from './maxPool2d.js';
import type { Tensor } from './tensor.js';

/** Parameters and running statistics by PyTorch's names. */
export type State = ReadonlyMap<string, Tensor>;

/** The variance of a batch that updates the running one: times m/(m − 1) as in PyTorch, or as it is, as in Paddle. */
export type RunningVar = 'unbiased' | 'biased';

/** The mode of a forward pass. */
export interface Mode {
  /** Training or evaluation. */
  readonly training: boolean;
  /** λ, the slope of the deep-training activations; required for the train form. */
  readonly lambda?: number | undefined;
  /** The variance that updates the running statistics. Default 'unbiased', as in PyTorch. */
  readonly runningVar?: RunningVar;
  /**
   * Names of tensors that stay as they are. A batch normalization whose running statistics are among them normalizes by
   * these in training, too. Default none.
   */
  readonly frozen?: ReadonlySet<string>;
  /** Seed of the dropout masks. Default 0. */
  readonly seed?: number;
  /** Training step: each step has its own dropout masks. Default 0. */
  readonly step?: number;
}

/** The forward pass of one layer. */
export interface Trace {
  /** The layer's output. */
  readonly y: Tensor;
  /** Running statistics after this batch, by name; in training only. */
  readonly buffers?: Iterable<readonly [string, Tensor]>;
  /** Maps dy to dx and the gradients of this layer's parameters, by name. */
  readonly backward: (dy: Tensor) => { dx: Tensor; grads?: Iterable<readonly [string, Tensor]> };
}

/**
 * An op with its place in the network. VanillaNet has no branches: a network is a list of layers, and its backward
 * pass visits the list in reverse.
 */
export interface Layer {
  /** PyTorch's module name, for example `stages.0.conv1.0`. Functions that are no module end in `.relu` or `.leaky`. */
  readonly name: string;
  /** The name of the op, for example 'conv2d'. */
  readonly op: string;
  forward(x: Tensor, state: State, mode: Mode): Trace;
}

/** Returns a tensor of the state. @throws WeightsError if it is absent */
export function pick(state: State, name: string): Tensor {
  const value = state.get(name);
  if (value === undefined) throw new WeightsError(name, 'a tensor of this name', 'none');
  return value;
}

export const convLayer = (name: string, options: ConvOptions = {}): Layer => ({
  name,
  op: 'conv2d',
  forward(x, state) {
    const weight = pick(state, `${name}.weight`);
    return {
      y: conv2d(x, weight, pick(state, `${name}.bias`), options),
      backward(dy) {
        const { dx, dw, db } = conv2dBackward(dy, x, weight, options);
        return {
          dx,
          grads: [
            [`${name}.weight`, dw],
            [`${name}.bias`, db],
          ],
        };
      },
    };
  },
});

/** @param biased whether it has a bias: in the deploy form. The train form has a batch normalization instead. */
export const depthwiseLayer = (name: string, padding: number, biased: boolean): Layer => ({
  name,
  op: 'depthwiseConv2d',
  forward(x, state) {
    const weight = pick(state, `${name}.weight`);
    return {
      y: depthwiseConv2d(x, weight, biased ? pick(state, `${name}.bias`) : null, { padding }),
      backward(dy) {
        const { dx, dw, db } = depthwiseConv2dBackward(dy, x, weight, { padding });
        return { dx, grads: [[`${name}.weight`, dw] as const, ...(biased ? [[`${name}.bias`, db] as const] : [])] };
      },
    };
  },
});

export const batchNormLayer = (name: string): Layer => ({
  name,
  op: 'batchNorm',
  forward(x, state, { training: isTraining, runningVar = 'unbiased', frozen }) {
    const training = isTraining && frozen?.has(`${name}.running_mean`) !== true;
    const weight = pick(state, `${name}.weight`);
    const parameters = {
      weight,
      bias: pick(state, `${name}.bias`),
      runningMean: pick(state, `${name}.running_mean`),
      runningVar: pick(state, `${name}.running_var`),
    };
    const result = batchNorm(x, parameters, { training, runningVar });
    return {
      y: result.y,
      buffers: training
        ? [
            [`${name}.running_mean`, result.runningMean],
            [`${name}.running_var`, result.runningVar],
          ]
        : [],
      backward(dy) {
        const { dx, dw, db } = batchNormBackward(dy, weight, result.saved);
        return {
          dx,
          grads: [
            [`${name}.weight`, dw],
            [`${name}.bias`, db],
          ],
        };
      },
    };
  },
});

/** The deep-training activation, with the slope λ of the mode. */
export const leakyLayer = (name: string): Layer => ({
  name,
  op: 'leakyRelu',
  forward(x, _, { lambda }) {
    if (lambda === undefined)
      throw new ParamError(name, 'lambda in [0, 1] for the train form', 'no lambda', 'Pass lambda in the mode.');
    return {
      y: leakyRelu(x, lambda),
      backward: (dy) => ({ dx: leakyReluBackward(dy, x, lambda) }),
    };
  },
});

export const reluLayer = (name: string): Layer => ({
  name,
  op: 'relu',
  forward: (x) => ({
    y: leakyRelu(x, 0),
    backward: (dy) => ({ dx: leakyReluBackward(dy, x, 0) }),
  }),
});

export const maxPoolLayer = (name: string, kernelSize: number): Layer => ({
  name,
  op: 'maxPool2d',
  forward: (x) => ({
    y: maxPool2d(x, { kernelSize }),
    backward: (dy) => ({ dx: maxPool2dBackward(dy, x, { kernelSize }) }),
  }),
});

export const adaptiveMaxPoolLayer = (name: string, size: number): Layer => ({
  name,
  op: 'adaptiveMaxPool2d',
  forward: (x) => ({
    y: adaptiveMaxPool2d(x, [size, size]),
    backward: (dy) => ({ dx: adaptiveMaxPool2dBackward(dy, x, [size, size]) }),
  }),
});

export const globalAvgPoolLayer = (name: string): Layer => ({
  name,
  op: 'globalAvgPool',
  forward: (x) => ({
    y: globalAvgPool(x),
    backward: (dy) => ({ dx: globalAvgPoolBackward(dy, x) }),
  }),
});

/** First random stream of the dropout masks; the parameters use the streams below. */
const DROPOUT_STREAM = 2 ** 31;

export const dropoutLayer = (name: string, rate: number): Layer => ({
  name,
  op: 'dropout',
  forward(x, _, { training, seed = 0, step = 0 }) {
    if (!training || rate === 0) return { y: x, backward: (dy) => ({ dx: dy }) };
    const mask = dropoutMask(x.shape, rate, seed, DROPOUT_STREAM + step);
    return {
      y: dropout(x, mask, rate),
      backward: (dy) => ({ dx: dropoutBackward(dy, mask, rate) }),
    };
  },
});
