/**
 * Compares a unit of a network in training with the float64 reference, on the same float32 inputs. Bounds are derived
 * as in ../judge.ts, with u = 2⁻²⁴ and γ_k = k·u/(1 − k·u):
 *
 *   convolution    y as in ../judge.ts; dx, dw and db are also sums of products: γ_k times the sum of their magnitudes, over
 *                  k outputs or m pixels
 *   max            exact; if windows overlap, at most four gradients are added
 *   average        a quotient, and a product with the mask
 *   batch norm     μ is a sum in four parts, so off by δ ≤ γ_{m/4+4}·mean|x|. In x − μ,
 *                  this is d + e with |e| ≤ δ + u(|d| + δ). As Σd = 0, σ² is off by
 *                  δ² and by the rounding of a sum in two parts, γ_{m/2+8}·(σ + δ)²; relative
 *                  to σ² + ε this is t, and 1/√(σ² + ε) has the relative error ρ = (1 − t)^−½ − 1 + 4u.
 *                  Later products and sums are rounded a few times each; the activation does
 *                  not amplify errors.
 *
 * An engine of another arithmetic has another u, sums in one part, and quotients and roots
 * that count for more than one rounding.
 */
import {
  adaptiveMaxPool2d,
  adaptiveMaxPool2dBackward,
  batchNorm,
  batchNormBackward,
  conv2d,
  conv2dBackward,
  depthwiseConv2d,
  depthwiseConv2dBackward,
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
import type { Layer } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { gammaOf, WASM, type Arithmetic } from '../../judges/arithmetic.js';
import type { Verdict } from '../judge.js';

/** Looked up once, because access to globals is slow in jest. */
const { abs: absolute, floor, sqrt, ceil } = Math;

const toOracle = ({ data, shape }: Tensor): Oracle => tensor(data, shape);
const abs = (t: Oracle): Oracle => tensor(valuesOf(t).map(absolute), t.shape);
const verdict = (exact: Oracle, bound: (i: number) => number): Verdict => ({
  shape: exact.shape,
  exact: valuesOf(exact),
  bound: Float64Array.from({ length: exact.size }, (_, i) => bound(i)),
});
const within = (exact: Oracle, magnitude: Oracle, factor: number): Verdict => {
  const sizes = valuesOf(magnitude);
  return verdict(exact, (i) => factor * sizes[i]);
};

export type Verdicts = ReadonlyMap<string, Verdict>;

/** A convolution with its parameters, of either kind. */
export interface Convolution {
  readonly layer: Layer & { readonly op: 'conv2d' | 'depthwiseConv2d' };
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

export function convolution({ layer, x, weight, bias }: Convolution, by: Arithmetic = WASM): Verdict {
  const op = layer.op === 'conv2d' ? conv2d : depthwiseConv2d;
  const params = { stride: layer.stride, padding: layer.padding };
  const [ox, ow] = [toOracle(x), toOracle(weight)];
  const ob = bias === null ? null : toOracle(bias);
  const magnitude = op(abs(ox), abs(ow), ob === null ? null : abs(ob), params);
  const [, c, kh, kw] = weight.shape;
  return within(op(ox, ow, ob, params), magnitude, gammaOf(by)(c * kh * kw + 1));
}

/** dx, weight and bias by name. */
export function convolutionBackward(
  { layer, x, weight, bias }: Convolution,
  dy: Tensor,
  by: Arithmetic = WASM,
): Verdicts {
  const gamma = gammaOf(by);
  const params = { stride: layer.stride, padding: layer.padding };
  const [odx, ox, ow] = [toOracle(dy), toOracle(x), toOracle(weight)];
  const back = layer.op === 'conv2d' ? conv2dBackward : depthwiseConv2dBackward;
  const exact = back(odx, ox, ow, params);
  const magnitude = back(abs(odx), abs(ox), abs(ow), params);
  const [n, k, h, w] = dy.shape;
  const outputs = layer.op === 'conv2d' ? k : weight.shape[2] * weight.shape[3];
  return new Map([
    ['dx', within(exact.dx, magnitude.dx, gamma(outputs + 1))],
    ['weight', within(exact.dw, magnitude.dw, gamma(n * h * w + 1))],
    ...(bias !== null ? [['bias', within(exact.db, magnitude.db, gamma(n * h * w + 1))] as const] : []),
  ]);
}

/** A ReLU, with the pool before it, if any. */
export function poolRelu(pool: Layer | null, x: Tensor): Verdict {
  const pooled =
    pool === null
      ? toOracle(x)
      : pool.op === 'adaptiveMaxPool2d'
        ? adaptiveMaxPool2d(toOracle(x), pool.output_size)
        : maxPool2d(toOracle(x), { kernelSize: strideOf(pool) });
  return verdict(leakyRelu(pooled, 0), () => 0);
}

function strideOf(pool: Layer): number {
  if (pool.op !== 'maxPool2d') throw new Error(`${pool.name} is not a pool with a stride`);
  return pool.stride;
}

export function poolReluBackward(pool: Layer | null, x: Tensor, dy: Tensor): Verdict {
  const y = toOracle({ ...x, data: x.data });
  const route = (g: Oracle): Oracle => {
    if (pool === null) return leakyReluBackward(g, y, 0);
    if (pool.op === 'adaptiveMaxPool2d') {
      const relu = leakyReluBackward(g, adaptiveMaxPool2d(y, pool.output_size), 0);
      return adaptiveMaxPool2dBackward(relu, y, pool.output_size);
    }
    const window = { kernelSize: strideOf(pool) };
    return maxPool2dBackward(leakyReluBackward(g, maxPool2d(y, window), 0), y, window);
  };
  const overlap = pool?.op === 'adaptiveMaxPool2d' ? gammaOf(WASM)(4) : 0;
  return within(route(toOracle(dy)), route(abs(toOracle(dy))), overlap);
}

/** @param mask values of the dropout mask: 0 or 1/(1 − rate) */
export function average(x: Tensor, mask: Tensor): Verdict {
  const scaled = (t: Oracle): Oracle =>
    tensor(
      valuesOf(globalAvgPool(t)).map((v, i) => v * mask.data[i]),
      mask.shape,
    );
  const ox = toOracle(x);
  return within(scaled(ox), scaled(abs(ox)), gammaOf(WASM)(x.shape[2] * x.shape[3] + 3));
}

export function averageBackward(x: Tensor, mask: Tensor, dy: Tensor): Verdict {
  const masked = tensor(
    Array.from(dy.data, (g, i) => g * mask.data[i]),
    dy.shape,
  );
  const exact = globalAvgPoolBackward(masked, toOracle(x));
  return within(exact, abs(exact), gammaOf(WASM)(4));
}

/** A batch norm with its parameters, and the slope of the activation after it. */
export interface Norm {
  readonly x: Tensor;
  readonly parameters: Readonly<Record<'weight' | 'bias' | 'running_mean' | 'running_var', Tensor>>;
  readonly lambda: number;
}

const EPS = 1e-6;

/** For each channel, the exact statistics and the error bounds of float32. */
function statistics(
  x: Tensor,
  by: Arithmetic,
): { mean: number; invStd: number; variance: number; delta: number; rho: number; spread: number }[] {
  const gamma = gammaOf(by);
  const { chains, division, root } = by;
  const [n, c, h, w] = x.shape;
  const m = n * h * w;
  return Array.from({ length: c }, (_, channel) => {
    const values = Array.from({ length: m }, (_v, i) => {
      const image = floor(i / (h * w));
      return x.data[(image * c + channel) * h * w + (i % (h * w))];
    });
    const mean = values.reduce((a, v) => a + v, 0) / m;
    const size = values.reduce((a, v) => a + absolute(v), 0) / m;
    const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / m;
    const delta = gamma(ceil(m / chains.mean) + 3 + division) * size;
    const spread = delta ** 2 + gamma(ceil(m / chains.variance) + 7 + division) * (sqrt(variance) + delta) ** 2;
    const rho = (1 - spread / (variance + EPS)) ** -0.5 - 1 + (2 + division + root) * by.unit;
    return { mean, variance, invStd: 1 / sqrt(variance + EPS), delta, rho, spread };
  });
}

export function norm({ x, parameters, lambda }: Norm, by: Arithmetic = WASM): Verdicts {
  const gamma = gammaOf(by);
  const U = by.unit;
  const [n, c, h, w] = x.shape;
  const m = n * h * w;
  const [weight, bias] = [toOracle(parameters.weight), toOracle(parameters.bias)];
  const [runningMean, runningVar] = [toOracle(parameters.running_mean), toOracle(parameters.running_var)];
  const exact = batchNorm(toOracle(x), { weight, bias, runningMean, runningVar }, { training: true });
  const all = statistics(x, by);
  const channelOf = (i: number): number => floor(i / (h * w)) % c;
  const y = leakyRelu(exact.y, lambda);
  const before = valuesOf(exact.y);
  return new Map([
    [
      'y',
      verdict(y, (i) => {
        const channel = channelOf(i);
        const { mean, invStd, delta, rho } = all[channel];
        const d = absolute(x.data[i] - mean);
        const shift = delta + U * (d + delta);
        const scale = absolute(weight.get(channel)) * invStd;
        const off = scale * (shift * (1 + rho) + d * rho) * (1 + 4 * U);
        return off + 4 * U * (scale * d + absolute(bias.get(channel))) + U * absolute(before[i]);
      }),
    ],
    [
      'running_mean',
      verdict(exact.runningMean, (i) => {
        const [old, batch] = [absolute(runningMean.get(i)), absolute(all[i].mean) + all[i].delta];
        return 0.1 * all[i].delta + gamma(4) * (0.9 * old + 0.1 * batch);
      }),
    ],
    [
      'running_var',
      verdict(exact.runningVar, (i) => {
        const [old, batch] = [runningVar.get(i), ((all[i].variance + all[i].spread) * m) / (m - 1)];
        return (0.1 * all[i].spread * m) / (m - 1) + gamma(6) * (0.9 * old + 0.1 * batch);
      }),
    ],
  ]);
}

/** @param y the output of the unit, whose signs select the side of the kink */
export function normBackward({ x, parameters, lambda }: Norm, y: Tensor, dy: Tensor, by: Arithmetic = WASM): Verdicts {
  const gamma = gammaOf(by);
  const U = by.unit;
  const [n, c, h, w] = x.shape;
  const m = n * h * w;
  const channelOf = (i: number): number => floor(i / (h * w)) % c;
  const all = statistics(x, by);
  const weight = toOracle(parameters.weight);
  const g = tensor(
    Array.from(dy.data, (v, i) => (y.data[i] > 0 ? v : lambda * v)),
    dy.shape,
  );
  const hats = Array.from(x.data, (v, i) => (v - all[channelOf(i)].mean) * all[channelOf(i)].invStd);
  const invStd = tensor(
    all.map((s) => s.invStd),
    [c],
  );
  const exact = batchNormBackward(g, weight, { normalized: tensor(hats, x.shape), invStd, training: true });

  const slopes = valuesOf(g);
  /** The error bound of x̂. */
  const offHat = hats.map((hat, i) => {
    const { mean, invStd: r, delta, rho } = all[channelOf(i)];
    const d = absolute(x.data[i] - mean);
    return r * (delta + U * (d + delta)) * (1 + rho) + absolute(hat) * rho + 2 * U * absolute(hat);
  });
  const sums = all.map(() => ({ g: 0, hat: 0, off: 0 }));
  slopes.forEach((slope, i) => {
    const sum = sums[channelOf(i)];
    sum.g += absolute(slope);
    sum.hat += absolute(slope) * (absolute(hats[i]) + offHat[i]);
    sum.off += absolute(slope) * offHat[i];
  });
  const offBias = sums.map(({ g: size }) => gamma(m + 1) * size);
  const offWeight = sums.map(({ hat, off }) => off + gamma(m + 4) * hat);
  const [dw, db] = [valuesOf(exact.dw), valuesOf(exact.db)];
  return new Map([
    ['weight', verdict(exact.dw, (i) => offWeight[i])],
    ['bias', verdict(exact.db, (i) => offBias[i])],
    [
      'dx',
      verdict(exact.dx, (i) => {
        const channel = channelOf(i);
        const { invStd: r, rho } = all[channel];
        const hat = absolute(hats[i]) + offHat[i];
        const terms = absolute(slopes[i]) + (absolute(db[channel]) + hat * absolute(dw[channel])) / m;
        const off = (offBias[channel] + hat * offWeight[channel] + offHat[i] * absolute(dw[channel])) / m;
        return (
          absolute(weight.get(channel)) * r * ((1 + rho) * off + (rho + gamma(6 + 2 * by.division)) * (terms + off))
        );
      }),
    ],
  ]);
}
