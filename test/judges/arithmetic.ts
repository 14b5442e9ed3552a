/** How an engine rounds: what bounds are made of. Sums are of any order unless said otherwise. */
export interface Arithmetic {
  readonly label: string;
  /** Most that one sum, difference or product is off by, relative to itself. */
  readonly unit: number;
  /** A quotient, a square root and its reciprocal: in as many roundings. */
  readonly division: number;
  readonly root: number;
  /** exp(x), relative to itself. */
  readonly exp: (x: number) => number;
  /** log(x), in absolute terms. */
  readonly log: (x: number) => number;
  /** Chains that a batch norm's sums are made in side by side: of x, and of its squares. */
  readonly chains: { readonly mean: number; readonly variance: number };
  /** Whether norms of whole tensors are added up in float64, and losses worked out in it. */
  readonly longNorms: boolean;
  readonly longLosses: boolean;
}

const U = 2 ** -24;

/** γ_k = k·u/(1 − k·u) of an engine's u. */
export const gammaOf =
  ({ unit }: Arithmetic) =>
  (k: number): number =>
    (k * unit) / (1 - k * unit);

/** The kernels of assembly/: sums of channels lie in the lanes' order, transcendentals are of float64. */
export const WASM: Arithmetic = {
  label: 'float32 to nearest, sums in four chains',
  unit: U,
  division: 1,
  root: 1,
  exp: () => U,
  log: (x) => U * Math.abs(Math.log(x)),
  chains: { mean: 4, variance: 2 },
  longNorms: true,
  longLosses: true,
};

/** IEEE 754 to nearest, with functions of a C library: within 4 ulp (Eigen's, which are the least exact, within 2). */
export const IEEE: Arithmetic = {
  label: 'float32 to nearest',
  unit: U,
  division: 1,
  root: 1,
  exp: () => 8 * U,
  log: (x) => 8 * U * Math.abs(Math.log(x)),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};

/**
 * Shaders. WGSL, "Floating Point Evaluation" (accuracy of concrete expressions), and GLSL ES
 * 3.20, 4.7.1 "Range and Precision", grant the same: sums and products correctly rounded, but
 * up or down, so u = 2⁻²³; x/y within 2.5 ULP; inverseSqrt within 2 ULP, and sqrt as
 * 1/inverseSqrt; exp within 3 + 2·|x| ULP; log within 2⁻²¹ in [0.5, 2], else within 3 ULP.
 * An ULP is 2u relative to a value at most, for u to nearest: here one u. Denormals may be 0; nothing here is near them.
 */
export const SHADER: Arithmetic = {
  label: 'float32 as shaders round it',
  unit: 2 * U,
  division: 3,
  root: 5,
  exp: (x) => 2 * U * (3 + 2 * Math.abs(x)),
  log: (x) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 6 * U * Math.abs(Math.log(x))),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};
