/** Maps of features in float64, and the layers that compute one number from few. Equations as in reference/. */
import { zeros } from '../../../reference/index.js';
import type { Part } from '../../core/network.js';
import { BATCH_NORM } from '../../core/network.js';
import type { FloatArray } from '../../core/tensor.js';

/** [n,c,h,w] */
export type Shape = readonly [n: number, c: number, h: number, w: number];

export interface FeatureMap {
  readonly data: Float64Array;
  readonly shape: Shape;
}

/** @throws ShapeError of the reference for a map that is too large */
export const emptyMap = (shape: Shape): FeatureMap => ({ data: zeros(shape).data, shape });

/** f(x), or f(x, y), for each element. */
export function mapped(x: FeatureMap, f: (a: number) => number): FeatureMap {
  return { data: x.data.map(f), shape: x.shape };
}

export function combined(x: FeatureMap, y: FeatureMap, f: (a: number, b: number) => number): FeatureMap {
  const [a, b] = [x.data, y.data];
  const data = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) data[i] = f(a[i], b[i]);
  return { data, shape: x.shape };
}

/** max(x, 0); a negative number becomes −0, as in the reference. */
export const relu = (x: FeatureMap): FeatureMap => mapped(x, (v) => (v > 0 ? v : 0 * v));

/** γ·((x − μ)/√(σ² + ε)) + β */
export function batchNorm(
  x: FeatureMap,
  [weight, bias, mean, variance]: readonly [FloatArray, FloatArray, FloatArray, FloatArray],
): FeatureMap {
  const [, c, h, w] = x.shape;
  const data = new Float64Array(x.data.length);
  for (let first = 0, k = 0; first < data.length; first += h * w, k = (k + 1) % c) {
    const scale = 1 / Math.sqrt(variance[k] + BATCH_NORM.eps);
    for (let i = first; i < first + h * w; i++) data[i] = weight[k] * ((x.data[i] - mean[k]) * scale) + bias[k];
  }
  return { data, shape: x.shape };
}

/** The mean of each channel. */
export function globalAvgPool(x: FeatureMap): FeatureMap {
  const [n, c, h, w] = x.shape;
  const pixels = h * w;
  const data = new Float64Array(n * c);
  for (let plane = 0; plane < data.length; plane++) {
    let sum = 0;
    for (let i = plane * pixels; i < (plane + 1) * pixels; i++) sum += x.data[i];
    data[plane] = sum / pixels;
  }
  return { data, shape: [n, c, 1, 1] };
}

export type Pool = Extract<Part, { readonly op: 'maxPool2d' | 'adaptiveMaxPool2d' }>;

/** Rows or columns [first, end) of each output. */
type Windows = readonly (readonly [first: number, end: number])[];

/** The rows and the columns of the windows of a pool. */
function windowsOf(pool: Pool, { shape: [, , h, w] }: FeatureMap): readonly [Windows, Windows] {
  const along = (size: number, axis: 0 | 1): Windows => {
    if (pool.op === 'maxPool2d') {
      const { kernel_size: kernel, stride } = pool;
      const outputs = Math.floor((size - kernel) / stride) + 1;
      return Array.from({ length: outputs }, (_, o) => [o * stride, o * stride + kernel]);
    }
    const outputs = pool.output_size[axis];
    return Array.from({ length: outputs }, (_, o) => [
      Math.floor((o * size) / outputs),
      Math.ceil(((o + 1) * size) / outputs),
    ]);
  };
  return [along(h, 0), along(w, 1)];
}

export interface Maxima {
  readonly y: FeatureMap;
  /** The place of each maximum in its plane: the first in scan order. */
  readonly positions: Int32Array;
  /** The second largest value of each window; −∞ if the window has one element. */
  readonly runnerUp: FeatureMap;
}

/** The maxima of the windows of a pool; NaN is the maximum. */
export function maxima(x: FeatureMap, pool: Pool): Maxima {
  const [n, c, h, w] = x.shape;
  const [rows, columns] = windowsOf(pool, x);
  const shape: Shape = [n, c, rows.length, columns.length];
  const [y, runnerUp] = [emptyMap(shape), emptyMap(shape)];
  const positions = new Int32Array(y.data.length);
  let output = 0;
  for (let plane = 0; plane < n * c; plane++) {
    const values = x.data.subarray(plane * h * w, (plane + 1) * h * w);
    for (const [top, bottom] of rows) {
      for (const [left, right] of columns) {
        let place = top * w + left;
        for (let row = top; row < bottom; row++) {
          for (let i = row * w + left; i < row * w + right; i++) {
            const v = values[i];
            if (v > values[place] || (Number.isNaN(v) && !Number.isNaN(values[place]))) place = i;
          }
        }
        let second = -Infinity;
        for (let row = top; row < bottom; row++) {
          for (let i = row * w + left; i < row * w + right; i++) {
            if (i !== place) second = Math.max(second, values[i]);
          }
        }
        y.data[output] = values[place];
        runnerUp.data[output] = second;
        positions[output] = place;
        output++;
      }
    }
  }
  return { y, positions, runnerUp };
}
