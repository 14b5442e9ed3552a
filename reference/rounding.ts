import { requireNumber } from './require.js';
/**
 * The accuracy of a float32 arithmetic, for the bounds of deviation.ts.
 *
 * **Shaders.** WGSL ("Floating Point Evaluation": accuracy of concrete expressions) and GLSL ES 3.20 (4.7.1 "Range
 * and Precision") guarantee the same. Sums and products are correctly rounded, but up or down, so u = 2⁻²³. x/y is
 * within 2.5 ULP, inverseSqrt within 2 ULP, and sqrt is 1/inverseSqrt. An ULP is at most 2·2⁻²⁴ relative to the
 * value, which is one u.
 *
 * **Flushing.** Both allow an implementation to replace numbers below 2⁻¹²⁶ by 0 wherever they are read or written,
 * as libtensorflow does on CPUs and CUDA does in its kernels. Such an error of 2⁻¹²⁶ at most doubles by the roundings
 * after it, as long as γ ≤ 1.
 */
export interface Rounding {
  /** u: the largest relative error of a sum, difference or product. */
  readonly unit: number;
  /** The error of a quotient, in units of u. */
  readonly division: number;
  /** The error of a square root, in units of u. */
  readonly root: number;
  /** η: the largest error of a product or a rounded weight that underflows. */
  readonly underflow: number;
  /** ζ: the largest error of reading or writing a number. */
  readonly flush: number;
}

/** IEEE 754, rounding to nearest. */
export const TO_NEAREST: Rounding = { unit: 2 ** -24, division: 1, root: 1, underflow: 2 ** -149, flush: 0 };

const FLUSH = { underflow: 2 ** -125, flush: 2 ** -125 } as const;

/** IEEE 754, rounding to nearest, with subnormal numbers replaced by 0. */
export const FLUSHING: Rounding = { ...TO_NEAREST, ...FLUSH };

/** Shaders of WebGPU and WebGL. */
export const BY_SHADERS: Rounding = { unit: 2 ** -23, division: 3, root: 5, ...FLUSH };

/** γ_k = k·u/(1 − k·u): the largest relative error of k roundings. */
export const gammaOf =
  ({ unit }: Pick<Rounding, 'unit'>) =>
  (k: number): number => {
    requireNumber('gamma', 'k', k);
    return (k * unit) / (1 - k * unit);
  };
