import { requireNumber } from './require.js';

/** φ(z), the density of the standard normal distribution. */
const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/**
 * Φ(z), the standard normal distribution function, by the series
 *
 *     Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + z⁷/(3·5·7) + …)
 *
 * (G. Marsaglia: Evaluating the normal distribution, J. Stat. Software 11, 2004). The absolute error is about 1e-16;
 * beyond |z| = 8.3 the result is 0 or 1 to that accuracy.
 */
export function normalCdf(z: number): number {
  requireNumber('normalCdf', 'z', z);
  if (Math.abs(z) > 8.3) return z < 0 ? 0 : 1;
  let [term, sum] = [z, z];
  for (let k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + density(z) * sum;
}

const polynomial = (coefficients: readonly number[], r: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * r + coefficient, 0);

/** Coefficients of numerator and denominator, lowest power first: for |p − ½| ≤ 0.425, and for the near and far tails. */
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

/**
 * Φ⁻¹(p), the standard normal quantile (M. J. Wichura: Algorithm AS 241, Applied Statistics 37, 1988). The relative
 * error is about 1e-16. −∞ at p = 0, ∞ at p = 1.
 */
export function normalQuantile(p: number): number {
  requireNumber('normalQuantile', 'p', p);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.425 ** 2 - q * q;
    return (q * polynomial(CENTER[0], r)) / polynomial(CENTER[1], r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (tail <= 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const z =
    r <= 5
      ? polynomial(NEAR_TAIL[0], r - 1.6) / polynomial(NEAR_TAIL[1], r - 1.6)
      : polynomial(FAR_TAIL[0], r - 5) / polynomial(FAR_TAIL[1], r - 5);
  return q < 0 ? -z : z;
}
