/**
 * How float32 is rounded, and by whom: what the bounds of deviation.ts are made of.
 *
 * **Shaders.** WGSL, "Floating Point Evaluation" (accuracy of concrete expressions), and GLSL ES
 * 3.20, 4.7.1 "Range and Precision", grant the same: sums and products correctly rounded, but
 * up or down, so u = 2⁻²³; x/y within 2.5 ULP; inverseSqrt within 2 ULP, and sqrt as
 * 1/inverseSqrt. An ULP is 2·2⁻²⁴ relative to a value at most: here one u.
 *
 * **Flushing.** Both let a number below 2⁻¹²⁶ be taken for 0 wherever it is read or written, as
 * libtensorflow does on processors and CUDA in its kernels. Of each that is off by 2⁻¹²⁶ then, what
 * rounds behind it makes no more than twice that, as long as γ ≤ 1.
 */
export interface Rounding {
  /** u: most that one sum, difference or product is off by, relative to itself. */
  readonly unit: number;
  /** A quotient, and a square root: in as many roundings. */
  readonly division: number;
  readonly root: number;
  /** η: most that a product or a rounded weight is off by where it underflows. */
  readonly underflow: number;
  /** Most that any number is off by where it is read or written. */
  readonly flush: number;
}

/** IEEE 754. */
export const TO_NEAREST: Rounding = { unit: 2 ** -24, division: 1, root: 1, underflow: 2 ** -149, flush: 0 };

const FLUSH = { underflow: 2 ** -125, flush: 2 ** -125 } as const;

export const FLUSHING: Rounding = { ...TO_NEAREST, ...FLUSH };

export const BY_SHADERS: Rounding = { unit: 2 ** -23, division: 3, root: 5, ...FLUSH };

/** γ_k = k·u/(1 − k·u): the relative error that k roundings can add up to. */
export const gammaOf =
  ({ unit }: Pick<Rounding, 'unit'>) =>
  (k: number): number =>
    (k * unit) / (1 - k * unit);
