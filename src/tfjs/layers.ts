/** The layers of the network on an engine, forward and backward. */
import { ParamError } from '../core/errors.js';
import { keepsStatistics } from '../core/freeze.js';
import type { Layer } from '../core/network.js';
import type { RunningVar } from '../core/trainingRules.js';
import { unreachable } from '../core/unreachable.js';
import { adaptiveMaxPool2d, adaptiveMaxPool2dBackward } from './adaptiveMaxPool2d.js';
import { batchNorm, batchNormBackward, batchNormEval, batchNormEvalBackward } from './batchNorm.js';
import { conv2d, conv2dBackward } from './conv2d.js';
import { depthwiseConv2d, depthwiseConv2dBackward } from './depthwiseConv2d.js';
import { globalAvgPool, globalAvgPoolBackward } from './globalAvgPool.js';
import { leakyRelu, leakyReluBackward } from './leakyRelu.js';
import { maxPool2d, maxPool2dBackward } from './maxPool2d.js';
import type { Maps, Tf, TfTensor, Vector } from './tf.js';

export interface Mode {
  /** Whether batch norms use the statistics of the batch, and dropout is active. */
  readonly training: boolean;
  /** Slope of the deep-training activations; null if the network has none. */
  readonly lambda: number | null;
  /** The factors of dropout in training, [n,1,1,c]. */
  readonly mask?: Maps | null;
  /** The variance that updates the running statistics. Default 'unbiased'. */
  readonly runningVar?: RunningVar;
  /** Tensors that training leaves as they are. Default none. */
  readonly frozen?: ReadonlySet<string>;
}

/** The output of a layer, and its backward pass. */
export interface Trace {
  readonly y: Maps;
  /** Maps dy to dx and to the gradients of the layer's parameters by name. */
  readonly backward: (dy: Maps) => { readonly dx: Maps; readonly grads?: Readonly<Record<string, TfTensor>> };
  /** The running statistics after this batch. */
  readonly buffers?: Readonly<Record<string, TfTensor>>;
}

export type Parameters = ReadonlyMap<string, TfTensor>;

function lambdaOf({ name, lambda }: Layer & { readonly op: 'leakyRelu' }, mode: Mode): number {
  if (!name.endsWith('.leaky')) return lambda ?? 0;
  if (mode.lambda !== null) return mode.lambda;
  throw new ParamError({ op: 'lambda', expected: 'a number in [0, 1] for the train form', got: 'none' });
}

/** Runs one layer on x [n,h,w,c]. Must be called in a scope. */
export function runLayer(tf: Tf, layer: Layer, parameters: Parameters, x: Maps, mode: Mode): Trace {
  const { name } = layer;
  const get = (part: string): TfTensor => {
    const tensor = parameters.get(`${name}.${part}`);
    if (tensor === undefined) throw new Error(`no tensor ${name}.${part}`);
    return tensor;
  };
  // The casts are safe: the shapes of the state were checked against the network.
  const kernel = (): Maps => get('weight') as Maps;
  const vector = (part: string): Vector => get(part) as Vector;
  const withNames = (tensors: Readonly<Record<string, TfTensor>>): Record<string, TfTensor> =>
    Object.fromEntries(Object.entries(tensors).map(([part, tensor]) => [`${name}.${part}`, tensor]));

  switch (layer.op) {
    case 'conv2d': {
      const weight = kernel();
      return {
        y: conv2d(tf, x, weight, vector('bias'), layer),
        backward(dy) {
          const { dx, dw, db } = conv2dBackward(tf, dy, x, weight, layer);
          return { dx, grads: withNames({ weight: dw, bias: db }) };
        },
      };
    }
    case 'depthwiseConv2d': {
      const weight = kernel();
      return {
        y: depthwiseConv2d(tf, x, weight, layer.bias ? vector('bias') : null),
        backward(dy) {
          const { dx, dw, db } = depthwiseConv2dBackward(tf, dy, x, weight);
          return { dx, grads: withNames(layer.bias ? { weight: dw, bias: db } : { weight: dw }) };
        },
      };
    }
    case 'batchNorm': {
      const weight = vector('weight');
      const all = {
        weight,
        bias: vector('bias'),
        runningMean: vector('running_mean'),
        runningVar: vector('running_var'),
      };
      if (!mode.training) return { y: batchNormEval(tf, x, all), backward: refuseBackward };
      if (mode.frozen !== undefined && keepsStatistics(mode.frozen, name)) {
        return {
          y: batchNormEval(tf, x, all),
          backward(dy) {
            const { dx, dw, db } = batchNormEvalBackward(tf, dy, x, all);
            return { dx, grads: withNames({ weight: dw, bias: db }) };
          },
        };
      }
      const { y, saved, runningMean, runningVar } = batchNorm(tf, x, all, mode.runningVar ?? 'unbiased');
      return {
        y,
        buffers: withNames({ running_mean: runningMean, running_var: runningVar }),
        backward(dy) {
          const { dx, dw, db } = batchNormBackward(tf, dy, weight, saved);
          return { dx, grads: withNames({ weight: dw, bias: db }) };
        },
      };
    }
    case 'leakyRelu': {
      const lambda = lambdaOf(layer, mode);
      return { y: leakyRelu(tf, x, lambda), backward: (dy) => ({ dx: leakyReluBackward(tf, dy, x, lambda) }) };
    }
    case 'maxPool2d': {
      const y = maxPool2d(tf, x, layer);
      return { y, backward: (dy) => ({ dx: maxPool2dBackward(tf, dy, x, y, layer) }) };
    }
    case 'adaptiveMaxPool2d':
      return {
        y: adaptiveMaxPool2d(tf, x, layer),
        backward: (dy) => ({ dx: adaptiveMaxPool2dBackward(tf, dy, x, layer) }),
      };
    case 'globalAvgPool':
      return { y: globalAvgPool(tf, x), backward: (dy) => ({ dx: globalAvgPoolBackward(tf, dy, x) }) };
    case 'dropout': {
      const mask = mode.training ? (mode.mask ?? null) : null;
      if (mask === null) return { y: x, backward: (dy) => ({ dx: dy }) };
      return { y: tf.mul(x, mask), backward: (dy) => ({ dx: tf.mul(dy, mask) }) };
    }
    default:
      return unreachable(layer);
  }
}

/** Evaluation has no backward pass. */
function refuseBackward(): never {
  throw new Error('an evaluation has no backward pass');
}
