/**
 * exp and log, implemented here because those of runtimes differ in the last digits, and a seed must give the same weights
 * everywhere. Both are within 2 ulp of float64 in the ranges that are used.
 */

/** ln 2 in two parts, the first of 32 bits: k·LN2_HIGH is exact for the k of `exp`. */
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;
const LOG2_E: f64 = 1.442695040888963387;

/** eˣ for x ≤ 0: x = k·ln 2 + r with |r| ≤ ½ ln 2, then the series of eʳ. Below −708 it is 0. */
export function expOfNegative(x: f64): f64 {
  if (!(x > -708)) return isNaN(x) ? x : 0;
  const k = nearest(x * LOG2_E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let series: f64 = 1;
  for (let i = 14; i > 0; i--) series = 1 + (r / <f64>i) * series;
  return series * reinterpret<f64>((1023 + <i64>k) << 52);
}

/** ln(1 + x) for x in [0, 1], accurate for small x: 2·artanh(x/(2 + x)). */
export function logOfOnePlus(x: f64): f64 {
  const s = x / (2 + x);
  const square = s * s;
  let series: f64 = 0;
  for (let i = 33; i > 0; i -= 2) series = 1 / <f64>i + square * series;
  return 2 * s * series;
}

/** ln x for finite x ≥ 1: x = 2ᵏ·m with ½√2 < m ≤ √2, then 2·artanh((m − 1)/(m + 1)). */
export function logOfLarge(x: f64): f64 {
  let bits = reinterpret<u64>(x);
  let k = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    k++;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let series: f64 = 0;
  for (let i = 23; i > 0; i -= 2) series = 1 / <f64>i + square * series;
  return <f64>k * LN2_HIGH + (2 * s * series + <f64>k * LN2_LOW);
}
