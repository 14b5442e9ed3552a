/** Convolutions of maps in float64, in blocks, with the additions of the reference in their order. */
import type { FloatArray, Tensor } from '../../core/tensor.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { emptyMap, type FeatureMap } from './map.js';
import { absolute, matrix, type Matrix } from './matrix.js';
import { multiply, type Steps } from './multiply.js';

/** Where the windows of a convolution lie. */
export interface Window {
  readonly stride: number;
  readonly padding: number;
}

const outputSize = (size: number, kernel: number, { stride, padding }: Window): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

const isPointwise = ([, , kh, kw]: readonly number[], { stride, padding }: Window): boolean =>
  kh === 1 && kw === 1 && stride === 1 && padding === 0;

/** The weights [k,c,kh,kw] as rows of taps in the order (i, j, c) in which `conv2d` of the reference adds them. */
function tapsOf({ data, shape }: Tensor): Matrix {
  const [k, c, kh, kw] = shape;
  if (kh * kw === 1) return matrix(data, c);
  const taps = new Float64Array(data.length);
  let at = 0;
  for (let out = 0; out < k; out++) {
    for (let i = 0; i < kh * kw; i++) {
      for (let inner = 0; inner < c; inner++) taps[at++] = data[(out * c + inner) * kh * kw + i];
    }
  }
  return matrix(taps, c * kh * kw);
}

/**
 * The pixels of one image under each tap: one row a tap in the order (i, j, c), one column an output pixel. Pixels outside
 * of the image are 0, and add ±0, while the reference leaves them out: only the sign of a sum that is 0 can differ.
 */
function patchesOf(x: FeatureMap, image: number, weight: readonly number[], window: Window): Matrix {
  const [, c, h, w] = x.shape;
  const [, , kh, kw] = weight;
  const pixels = x.data.subarray(image * c * h * w, (image + 1) * c * h * w);
  if (isPointwise(weight, window)) return matrix(pixels, h * w);
  const { stride, padding } = window;
  const [oh, ow] = [outputSize(h, kh, window), outputSize(w, kw, window)];
  return {
    rows: kh * kw * c,
    columns: oh * ow,
    read(tap, from, to, target) {
      const [inner, place] = [tap % c, Math.floor(tap / c)];
      const [i, j] = [Math.floor(place / kw) - padding, (place % kw) - padding];
      for (let output = from; output < to; output++) {
        const row = Math.floor(output / ow) * stride + i;
        const column = (output % ow) * stride + j;
        const isInside = row >= 0 && row < h && column >= 0 && column < w;
        target[output - from] = isInside ? pixels[(inner * h + row) * w + column] : 0;
      }
    },
  };
}

/**
 * y[n,k,oh,ow] = b[k] + Σ_i Σ_j Σ_c w[k,c,i,j] · x[n, c, oh·s + i − p, ow·s + j − p]
 *
 * @param isAbsolute takes |w| and |b| instead
 */
export function* conv2d(
  kernels: Float64Kernels,
  x: FeatureMap,
  weight: Tensor,
  bias: FloatArray | null,
  window: Window,
  isAbsolute = false,
): Steps<FeatureMap> {
  const [n, , h, w] = x.shape;
  const [k, , kh, kw] = weight.shape;
  const [oh, ow] = [outputSize(h, kh, window), outputSize(w, kw, window)];
  const y = emptyMap([n, k, oh, ow]);
  const taps = isAbsolute ? absolute(tapsOf(weight)) : tapsOf(weight);
  for (let image = 0; image < n; image++) {
    const result = y.data.subarray(image * k * oh * ow, (image + 1) * k * oh * ow);
    if (bias !== null) {
      for (let out = 0; out < k; out++) {
        result.fill(isAbsolute ? Math.abs(bias[out]) : bias[out], out * oh * ow, (out + 1) * oh * ow);
      }
    }
    yield* multiply(kernels, result, taps, patchesOf(x, image, weight.shape, window));
  }
  return y;
}

/** Σ_i Σ_j Σ_c x[n, c, oh·s + i − p, ow·s + j − p]: the sum of `conv2d` for weights of 1 [n,1,oh,ow]. */
export function sumOfPatches(x: FeatureMap, weight: readonly number[], window: Window): FeatureMap {
  const [n, , h, w] = x.shape;
  const [, , kh, kw] = weight;
  const sums = emptyMap([n, 1, outputSize(h, kh, window), outputSize(w, kw, window)]);
  for (let image = 0; image < n; image++) {
    const patches = patchesOf(x, image, weight, window);
    const line = new Float64Array(patches.columns);
    const first = image * patches.columns;
    for (let tap = 0; tap < patches.rows; tap++) {
      patches.read(tap, 0, patches.columns, line);
      for (let i = 0; i < line.length; i++) sums.data[first + i] += line[i];
    }
  }
  return sums;
}

/** y[n,c,h,w] = b[c] + Σ_i Σ_j w[c,0,i,j] · x[n, c, h + i − p, w + j − p] */
export function* depthwiseConv2d(
  kernels: Float64Kernels,
  x: FeatureMap,
  weight: FloatArray,
  bias: FloatArray | null,
  padding: number,
): Steps<FeatureMap> {
  const [n, c, h, w] = x.shape;
  const pixels = h * w;
  const taps = weight.length / c;
  const y = emptyMap(x.shape);
  for (let image = 0; image < n; image++) {
    const [output, input, kernel] = kernels.reserve(pixels, pixels, taps);
    for (let channel = 0; channel < c; channel++) {
      const first = (image * c + channel) * pixels;
      input.values.set(x.data.subarray(first, first + pixels));
      kernel.values.set(weight.subarray(channel * taps, (channel + 1) * taps));
      const b = bias === null ? 0 : bias[channel];
      kernels.run.depthwise(output.address, input.address, kernel.address, b, h, w, padding);
      y.data.set(output.values, first);
    }
    yield c * pixels * taps;
  }
  return y;
}
