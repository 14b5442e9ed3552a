import { BY_SHADERS, TO_NEAREST, type Rounding } from '../../reference/rounding.js';

export { gammaOf } from '../../reference/rounding.js';

/**
 * How an engine rounds: what bounds are made of. Sums are of any order unless said otherwise. Nothing here is near
 * what underflows.
 */
export interface Arithmetic extends Pick<Rounding, 'unit' | 'division' | 'root'> {
  readonly label: string;
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

const { unit: U, division, root } = TO_NEAREST;

/** The kernels of assembly/: sums of channels lie in the lanes' order, transcendentals are of float64. */
export const WASM: Arithmetic = {
  label: 'float32 to nearest, sums in four chains',
  ...{ unit: U, division, root },
  exp: () => U,
  log: (x) => U * Math.abs(Math.log(x)),
  chains: { mean: 4, variance: 2 },
  longNorms: true,
  longLosses: true,
};

/** IEEE 754 to nearest, with functions of a C library: within 4 ulp (Eigen's, which are the least exact, within 2). */
export const IEEE: Arithmetic = {
  label: 'float32 to nearest',
  ...{ unit: U, division, root },
  exp: () => 8 * U,
  log: (x) => 8 * U * Math.abs(Math.log(x)),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};

/** Shaders: beside what rounding.ts says of them, exp within 3 + 2·|x| ULP; log within 2⁻²¹ in [0.5, 2], else within 3 ULP. */
export const SHADER: Arithmetic = {
  label: 'float32 as shaders round it',
  ...{ unit: BY_SHADERS.unit, division: BY_SHADERS.division, root: BY_SHADERS.root },
  exp: (x) => 2 * U * (3 + 2 * Math.abs(x)),
  log: (x) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 6 * U * Math.abs(Math.log(x))),
  chains: { mean: 1, variance: 1 },
  longNorms: false,
  longLosses: false,
};
