import { checkOneOf } from '../core/check.js';
import type { ModelConfig } from '../core/config.js';
import { log } from '../core/elementary.js';
import { isCounter, parameterShapes } from '../core/parameters.js';
import { uniform } from '../core/philox.js';
import { sizeOf, type StateDict, type Tensor } from '../core/tensor.js';

/** Standard deviation of all kernels, before truncation. */
const STD = 0.02;

export const TRUNCATIONS = ['absolute', 'two-sigma'] as const;
/**
 * Bounds of the normal distribution that kernels are drawn from: ±2 (timm and the official code: at 100 standard
 * deviations, without effect) or ±2 standard deviations (Paddle before version 2.6), which leaves a standard deviation
 * of 0.0176.
 */
export type Truncation = (typeof TRUNCATIONS)[number];

/** Numerators and denominators of AS 241, lowest power first: for the center, the near tail and the far tail. */
const CENTER = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
] as const;
const NEAR_TAIL = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const FAR_TAIL = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

function rationalFunction([above, below]: readonly [readonly number[], readonly number[]], r: number): number {
  let [numerator, denominator] = [0, 0];
  for (let i = above.length - 1; i >= 0; i--) {
    numerator = numerator * r + above[i];
    denominator = denominator * r + below[i];
  }
  return numerator / denominator;
}

/**
 * Quantile of the standard normal distribution, Φ⁻¹(p) (M. J. Wichura, Algorithm AS 241, 1988). Logarithms are computed
 * by src/core, so that all runtimes agree on every bit. The reference has its own implementation, to be independent.
 *
 * @param p in (0, 1)
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * rationalFunction(CENTER, 0.180625 - q * q);
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const z = r <= 5 ? rationalFunction(NEAR_TAIL, r - 1.6) : rationalFunction(FAR_TAIL, r - 5);
  return q < 0 ? -z : z;
}

/** Φ(−2), the probability below two standard deviations under the mean. */
const BELOW_TWO_SIGMA = 0.022750131948179212;

/** Half the distance between two uniform numbers. They include 0, whose quantile is infinite. */
const MIN_P = 2 ** -54;

/**
 * The quantile of the standard normal distribution, truncated: Φ⁻¹(Φ(−2) + u·(Φ(2) − Φ(−2))) for two sigma.
 *
 * @param u in [0, 1)
 */
function truncatedQuantile(u: number, truncation: Truncation): number {
  if (truncation === 'absolute') return normalQuantile(Math.max(u, MIN_P));
  return normalQuantile(BELOW_TWO_SIGMA + u * (1 - 2 * BELOW_TWO_SIGMA));
}

/**
 * Initial weights in float32, or some of them: kernels normal with standard deviation 0.02, biases 0, batch norms γ = 1 and β = 0,
 * running mean 0 and variance 1. Element i of the k-th kernel is random number i of stream k: the same bits for the same
 * seed on every machine, whichever are drawn.
 *
 * @param isWanted whether to draw a tensor. Default all
 */
export function initialState(
  config: ModelConfig,
  seed: number,
  truncation: Truncation = 'absolute',
  isWanted: (name: string) => boolean = () => true,
): StateDict {
  checkOneOf('initTruncation', truncation, TRUNCATIONS);
  let stream = 0;
  const initialTensor = (name: string, shape: readonly number[]): Tensor => {
    if (isCounter(name)) return { data: new Float64Array(1), shape };
    const data = new Float32Array(sizeOf(shape));
    if (shape.length === 4) {
      for (let i = 0; i < data.length; i++) {
        data[i] = STD * truncatedQuantile(uniform(seed, stream, i), truncation);
      }
      stream++;
    } else if (/\.(weight|running_var)$/.test(name)) {
      data.fill(1);
    }
    return { data, shape };
  };
  const state = new Map<string, Tensor>();
  for (const [name, shape] of parameterShapes(config)) {
    if (isWanted(name)) state.set(name, initialTensor(name, shape));
    else if (shape.length === 4) stream++;
  }
  return state;
}
