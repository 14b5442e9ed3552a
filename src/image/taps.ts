import type { Kernel } from './kernels.js';

/** Bits behind the point of a weight: 32, less 8 of the pixel and 2 for sign and overshoot. */
export const PRECISION = 32 - 8 - 2;

/** For some new pixels along one axis, the source pixels that each is a weighted sum of. */
export interface Taps {
  /** First source pixel of each. */
  readonly first: Int32Array;
  /** How many source pixels each has. */
  readonly count: Int32Array;
  /** Weights of the i-th from `i * stride` on, times 2^PRECISION; they add up to 1, but for rounding. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Weights that scale a line of `from` pixels to one of `to`.
 *
 * The new pixel i lies at c = (i + 1/2)·s in the source, s = from/to, and source
 * pixel j at j + 1/2. The kernel is stretched by f = max(s, 1): what is made smaller
 * averages all it covers. With ρ the kernel's support, the sum runs over the j with
 * |j + 1/2 − c| < ρf, and the weights k((j + 1/2 − c)/f) are divided by their sum, so
 * that the borders are as bright as the middle.
 *
 * Every operation is the one that Pillow makes, in its order: weights that were off
 * in the last bit of a float64 could round to other integers.
 *
 * @param begin first of the new pixels wanted, of 0 … to − 1
 * @param length how many of them
 */
export function tapsOf(kernel: Kernel, from: number, to: number, begin: number, length: number): Taps {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = kernel.support * stretch;
  const shrink = 1 / stretch;
  const stride = Math.min(from, 2 * Math.ceil(reach) + 1);
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const line = new Float64Array(stride);

  for (let i = 0; i < length; i++) {
    const center = (begin + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      line[j - start] = kernel.at((j - center + 0.5) * shrink);
      sum += line[j - start];
    }
    for (let j = 0; j < end - start; j++) {
      const weight = (line[j] / sum) * 2 ** PRECISION;
      // Halves away from zero.
      weights[i * stride + j] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    first[i] = start;
    count[i] = end - start;
  }
  return { first, count, weights, stride };
}
