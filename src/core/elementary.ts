/**
 * exp, log, sin and cos computed by additions, multiplications and divisions, whose results are
 * determined by IEEE 754: unlike `Math.exp`, they have the same bits on every engine. Argument
 * reductions and coefficients are those of fdlibm (Sun Microsystems, 1993). The error is below
 * one unit in the last place, for `sin` and `cos` if |x| ≤ 1000.
 */

const LOG2_E = 1.4426950408889634;
/** ln 2 and π/2 as sums: the high parts have so few bits that their products with small integers are exact. */
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const HALF_PI_HIGH = 1.57079632673412561417;
const HALF_PI_LOW = 6.07710050650619224932e-11;

const EXP = [
  1.66666666666666019037e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6,
  4.13813679705723846039e-8,
];
const LOG = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1,
  1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
];
const SIN = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6,
  -2.50507602534068634195e-8, 1.58969099521155010221e-10,
];
const COS = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5, -2.75573143513906633035e-7,
  2.0875723212981748279e-9, -1.13596475577881948265e-11,
];

/** Horner's rule, lowest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** 2ᵏ for a normal number: −1022 ≤ k ≤ 1023. */
function powerOfTwo(k: number): number {
  words[0] = 0;
  words[1] = (k + 1023) << 20;
  return float[0];
}

/** eˣ */
export function exp(x: number): number {
  if (Number.isNaN(x) || x === Infinity) return x;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  const k = Math.floor(x * LOG2_E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const square = r * r;
  const c = r - square * polynomial(EXP, square);
  const y = 1 - (low - (r * c) / (2 - c) - high);
  // Two factors, because 2ᵏ may be subnormal.
  const half = k >> 1;
  return y * powerOfTwo(half) * powerOfTwo(k - half);
}

/** The natural logarithm; NaN below 0. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return x;
  let k = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984; // 2⁵⁴ makes it normal
    k = -54;
  }
  // x = 2ᵏ·(1 + f), with 1 + f from √½ to √2.
  float[0] = x;
  const high = words[1];
  const up = ((high & 0xfffff) + 0x95f64) & 0x100000;
  k += (high >>> 20) - 1023 + (up >>> 20);
  words[1] = (high & 0xfffff) | (up ^ 0x3ff00000);
  const f = float[0] - 1;
  const s = f / (2 + f);
  const square = s * s;
  const rest = square * polynomial(LOG, square);
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + rest) + k * LN2_LOW) - f);
}

/** x − n·π/2 as the sum r + rest with |r| ≤ π/4, and n modulo 4. */
function quarters(x: number): { r: number; rest: number; n: number } {
  const n = Math.floor(x / (HALF_PI_HIGH + HALF_PI_LOW) + 0.5);
  const high = x - n * HALF_PI_HIGH;
  const low = n * HALF_PI_LOW;
  const r = high - low;
  return { r, rest: high - r - low, n: ((n % 4) + 4) % 4 };
}

/** sin(r + rest) and cos(r + rest) for |r| ≤ π/4. */
function sinOf(r: number, rest: number): number {
  const z = r * r;
  const higher = polynomial(SIN.slice(1), z);
  return r - (z * (0.5 * rest - z * r * higher) - rest - z * r * SIN[0]);
}
function cosOf(r: number, rest: number): number {
  const z = r * r;
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * z * polynomial(COS, z) - r * rest));
}

/** The sine of x radians. */
export function sin(x: number): number {
  const { r, rest, n } = quarters(x);
  const value = n % 2 === 0 ? sinOf(r, rest) : cosOf(r, rest);
  return n < 2 ? value : -value;
}

/** The cosine of x radians. */
export function cos(x: number): number {
  const { r, rest, n } = quarters(x);
  const value = n % 2 === 0 ? cosOf(r, rest) : sinOf(r, rest);
  return n === 1 || n === 2 ? -value : value;
}

/** xⁿ by squaring, n an integer >= 0; the last bits of `**` differ between engines. */
export function power(x: number, n: number): number {
  let result = 1;
  let square = x;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
