/**
 * The reference result of one layer, forward and backward, with the error bound of an engine on the same inputs. In
 * addition to the bounds of test/wasm/training/judge.ts:
 *
 *   max            forward exact; backward the sum of the gradients of all windows with the pixel: at most
 *                  ⌈w/s⌉ + 1 for w windows along s pixels
 *   leaky ReLU     λ and one product: γ₂·|λx|
 *   average        a sum of h·w terms and a quotient, which some engines compute first
 *   dropout        1/(1 − rate) and one product: γ₂
 *   batch norm     in evaluation, a difference, a factor of sum, root, quotient and product, and a product:
 *                  γ of all on γ·|x − μ|/√(σ² + ε), and u of the final sum
 */
import {
  adaptiveMaxPool2d,
  adaptiveMaxPool2dBackward,
  batchNorm,
  globalAvgPool,
  globalAvgPoolBackward,
  leakyRelu,
  leakyReluBackward,
  maxPool2d,
  maxPool2dBackward,
  tensor,
  valuesOf,
  type Tensor as Oracle,
} from '../../../reference/index.js';
import { keepsStatistics } from '../../../src/core/freeze.js';
import type { Layer } from '../../../src/core/network.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import type { Verdict } from '../../wasm/judge.js';
import * as judge from '../../wasm/training/judge.js';

/** Looked up once, because access to globals is slow in test runners. */
const { abs: absolute, floor, sqrt, ceil } = Math;

/** How a layer is computed. The values of the mask are 0 and 1/(1 − rate). */
export interface Mode {
  readonly training: boolean;
  readonly lambda: number;
  readonly mask: Tensor | null;
  /** Tensors that training leaves as they are: a norm whose statistics are among them evaluates. Default none. */
  readonly frozen?: ReadonlySet<string>;
}

export interface LayerVerdict {
  readonly y: Verdict;
  /** Running statistics, by name. */
  readonly buffers: ReadonlyMap<string, Verdict>;
  /** `dx`, and the gradients of the parameters, by name. */
  backward(dy: Tensor): ReadonlyMap<string, Verdict>;
}

const toOracle = ({ data, shape }: Tensor): Oracle => tensor(data, shape);
const NONE: ReadonlyMap<string, Verdict> = new Map();

function within(exact: Oracle, factor: number, magnitude: Oracle = exact): Verdict {
  const sizes = valuesOf(magnitude);
  return { shape: exact.shape, exact: valuesOf(exact), bound: sizes.map((v) => factor * absolute(v)) };
}

const abs = (x: Tensor): Oracle => tensor(x.data.map(absolute), x.shape);

const named = (layer: Layer, verdicts: ReadonlyMap<string, Verdict>): Map<string, Verdict> =>
  new Map([...verdicts].map(([part, verdict]) => [part === 'dx' ? part : `${layer.name}.${part}`, verdict]));

function part(state: StateDict, layer: Layer, name: string): Tensor {
  const value = state.get(`${layer.name}.${name}`);
  if (value === undefined) throw new Error(`no tensor ${layer.name}.${name}`);
  return value;
}

const onlyDx = (dx: Verdict): Map<string, Verdict> => new Map([['dx', dx]]);

export function judgeLayer(layer: Layer, state: StateDict, x: Tensor, mode: Mode, by: Arithmetic): LayerVerdict {
  const gamma = gammaOf(by);
  switch (layer.op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const bias = layer.bias ? part(state, layer, 'bias') : null;
      const all = { layer, x, weight: part(state, layer, 'weight'), bias };
      return {
        y: judge.convolution(all, by),
        buffers: NONE,
        backward: (dy) => named(layer, judge.convolutionBackward(all, dy, by)),
      };
    }
    case 'batchNorm':
      return normVerdict(layer, state, x, mode, by);
    case 'leakyRelu': {
      const slope = layer.name.endsWith('.leaky') ? mode.lambda : 0;
      const rounds = slope === 0 || slope === 1 ? 0 : gamma(2);
      return {
        y: within(leakyRelu(toOracle(x), slope), rounds),
        buffers: NONE,
        backward: (dy) => onlyDx(within(leakyReluBackward(toOracle(dy), toOracle(x), slope), rounds)),
      };
    }
    case 'maxPool2d': {
      const window = { kernelSize: layer.kernel_size, stride: layer.stride };
      return {
        y: within(maxPool2d(toOracle(x), window), 0),
        buffers: NONE,
        backward: (dy) => onlyDx(within(maxPool2dBackward(toOracle(dy), toOracle(x), window), 0)),
      };
    }
    case 'adaptiveMaxPool2d': {
      const { output_size: size } = layer;
      const windows = [0, 1].reduce((all, i) => all * (ceil(size[i] / x.shape[2 + i]) + 1), 1);
      return {
        y: within(adaptiveMaxPool2d(toOracle(x), size), 0),
        buffers: NONE,
        backward(dy) {
          const [exact, magnitude] = [toOracle(dy), abs(dy)].map((g) =>
            adaptiveMaxPool2dBackward(g, toOracle(x), size),
          );
          return onlyDx(within(exact, gamma(windows), magnitude));
        },
      };
    }
    case 'globalAvgPool': {
      const pixels = x.shape[2] * x.shape[3];
      return {
        y: within(globalAvgPool(toOracle(x)), gamma(pixels + 1 + by.division), globalAvgPool(abs(x))),
        buffers: NONE,
        backward: (dy) => onlyDx(within(globalAvgPoolBackward(toOracle(dy), toOracle(x)), gamma(2 + by.division))),
      };
    }
    case 'dropout': {
      const { mask } = mode;
      const through = (v: Tensor): Verdict => {
        const masked = v.data.map((value, i) => value * (mask?.data[i] ?? 1));
        return within(tensor(masked, v.shape), mask === null ? 0 : gamma(2));
      };
      return { y: through(x), buffers: NONE, backward: (dy) => onlyDx(through(dy)) };
    }
  }
}

function normVerdict(layer: Layer, state: StateDict, x: Tensor, mode: Mode, by: Arithmetic): LayerVerdict {
  const isFrozen = mode.frozen !== undefined && keepsStatistics(mode.frozen, layer.name);
  const parameters = {
    weight: part(state, layer, 'weight'),
    bias: part(state, layer, 'bias'),
    running_mean: part(state, layer, 'running_mean'),
    running_var: part(state, layer, 'running_var'),
  };
  // The activation after it is a separate layer here.
  const all = { x, parameters, lambda: 1 };
  if (mode.training && !isFrozen) {
    const { y, ...buffers } = Object.fromEntries(judge.norm(all, by));
    return {
      y,
      buffers: named(layer, new Map(Object.entries(buffers))),
      backward: (dy) => named(layer, judge.normBackward(all, x, dy, by)),
    };
  }
  const [weight, bias, runningMean, runningVar] = [
    parameters.weight,
    parameters.bias,
    parameters.running_mean,
    parameters.running_var,
  ].map(toOracle);
  const { y } = batchNorm(toOracle(x), { weight, bias, runningMean, runningVar }, { training: false });
  const [, c, h, w] = x.shape;
  const exact = valuesOf(y);
  const scaleOf = (channel: number): number => weight.get(channel) / sqrt(runningVar.get(channel) + 1e-6);
  const bound = exact.map((value, i) => {
    const channel = floor(i / (h * w)) % c;
    const product = absolute(scaleOf(channel) * (x.data[i] - runningMean.get(channel)));
    return gammaOf(by)(6 + by.root + by.division) * product + 2 * by.unit * (absolute(value) + product);
  });
  return {
    y: { shape: x.shape, exact, bound },
    buffers: NONE,
    backward: (dy) => {
      if (mode.training) return named(layer, frozenNormBackward(x, dy, { weight, runningMean, runningVar }, by));
      // A factor of constants, used only in bounds of the whole chain: no rounding.
      return onlyDx(
        within(
          tensor(
            dy.data.map((g, i) => g * scaleOf(floor(i / (h * w)) % c)),
            dy.shape,
          ),
          0,
        ),
      );
    },
  };
}

/**
 * The backward pass with constant statistics: 1/√(σ² + ε) of sum, root and quotient, then products, and sums over the m values
 * of a channel.
 */
function frozenNormBackward(
  x: Tensor,
  dy: Tensor,
  { weight, runningMean, runningVar }: Readonly<Record<'weight' | 'runningMean' | 'runningVar', Oracle>>,
  by: Arithmetic,
): ReadonlyMap<string, Verdict> {
  const gamma = gammaOf(by);
  const [n, c, h, w] = x.shape;
  const channelOf = (i: number): number => floor(i / (h * w)) % c;
  const invStd = Array.from({ length: c }, (_, channel) => 1 / sqrt(runningVar.get(channel) + 1e-6));
  const factor = 4 + by.root + by.division;
  const [dw, db, sizes, slopes] = [0, 1, 2, 3].map(() => new Float64Array(c));
  dy.data.forEach((g, i) => {
    const channel = channelOf(i);
    const term = g * (x.data[i] - runningMean.get(channel)) * invStd[channel];
    dw[channel] += term;
    sizes[channel] += absolute(term);
    db[channel] += g;
    slopes[channel] += absolute(g);
  });
  const dx = dy.data.map((g, i) => g * weight.get(channelOf(i)) * invStd[channelOf(i)]);
  const m = n * h * w;
  return new Map([
    ['weight', { shape: [c], exact: dw, bound: sizes.map((size) => gamma(m + factor) * size) }],
    ['bias', { shape: [c], exact: db, bound: slopes.map((size) => gamma(m + 1) * size) }],
    ['dx', within(tensor(dx, dy.shape), gamma(factor))],
  ]);
}
