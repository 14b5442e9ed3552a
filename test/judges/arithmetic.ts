import { BY_SHADERS, TO_NEAREST, type Rounding } from '../../reference/rounding.js';

export { gammaOf } from '../../reference/rounding.js';

/**
 * The rounding errors of an engine, from which bounds are computed. Sums may have any order unless stated otherwise.
 * Underflow is not considered.
 */
export interface Arithmetic extends Pick<Rounding, 'unit' | 'division' | 'root'> {
  readonly label: string;
  /** Relative error of exp(x). */
  readonly exp: (x: number) => number;
  /** Absolute error of log(x). */
  readonly log: (x: number) => number;
  /** Number of parallel chains in a batch norm's sums: of x, and of its squares. */
  readonly chains: { readonly mean: number; readonly variance: number };
  /** Whether norms of whole tensors, and losses, are computed in float64. */
  readonly longNorms: boolean;
  readonly longLosses: boolean;
}

const { unit: U, division, root } = TO_NEAREST;

/** The kernels of assembly/: sums over channels in the order of the lanes, transcendental functions in float64. */
export const WASM: Arithmetic = {
  label: 'float32 to nearest, sums in four chains',
  ...{ unit: U, division, root },
  exp: () => U,
  log: (x) => U * Math.abs(Math.log(x)),
  chains: { mean: 4, variance: 2 },
  longNorms: true,
  longLosses: true,
};

/** IEEE 754, rounding to nearest, with functions within 4 ulp (Eigen's, the least exact, are within 2). */
export const IEEE: Arithmetic = {
  label: 'float32 to nearest',
  ...{ unit: U, division, root },
  exp: () => 8 * U,
  log: (x) => 8 * U * Math.abs(Math.log(x)),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};

/** Shaders: see rounding.ts; in addition exp within 3 + 2·|x| ulp, and log within 2⁻²¹ in [0.5, 2], else 3 ulp. */
export const SHADER: Arithmetic = {
  label: 'float32 in shaders',
  ...{ unit: BY_SHADERS.unit, division: BY_SHADERS.division, root: BY_SHADERS.root },
  exp: (x) => 2 * U * (3 + 2 * Math.abs(x)),
  log: (x) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 6 * U * Math.abs(Math.log(x))),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};
