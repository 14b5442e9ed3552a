import type { Kernel } from './kernels.js';

/** Fractional bits of a weight: 32 minus 8 of the pixel and 2 for sign and overshoot. */
export const PRECISION = 32 - 8 - 2;

/** New pixels along one axis as weighted sums of source pixels. */
export interface Taps {
  /** First source pixel of each. */
  readonly first: Int32Array;
  /** The number of source pixels of each. */
  readonly count: Int32Array;
  /** Weights of the i-th from `i * stride` on, times 2^PRECISION; their sum is 1 up to rounding. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Weights to resize a line from `from` to `to` pixels.
 *
 * The new pixel i lies at c = (i + 1/2)·s in the source, s = from/to, and source
 * pixel j at j + 1/2. The kernel is widened by f = max(s, 1), so that downscaling averages all pixels. With ρ the
 * kernel's support, the sum runs over all j with |j + 1/2 − c| < ρf; the weights k((j + 1/2 − c)/f) are divided by
 * their sum, so that borders are not darker.
 *
 * The operations and their order are those of Pillow: a difference in the last bit of a float64 could change the
 * rounded weight.
 *
 * @param begin the first new pixel, of 0 … to − 1
 * @param length the number of new pixels
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
      // Ties away from zero.
      weights[i * stride + j] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    first[i] = start;
    count[i] = end - start;
  }
  return { first, count, weights, stride };
}
