import type { FloatArray } from '../core/tensor.js';

/** Distances of two arrays. Elements that are not finite in both are ignored. */
export interface Measures {
  readonly maxAbs: number;
  /** maxAbs relative to the largest magnitude of the expected array; 0 if all is zero. */
  readonly relative: number;
  /**
   * The largest distance in units in the last place (ULPs) of float32. It is large where a sum cancels, even if its
   * terms are accurate: the bound accounts for that, ULPs do not.
   */
  readonly ulps: number;
  /** 1 − cosine of the angle between the arrays; NaN if one is zero. */
  readonly angle: number;
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The position of a float32 number in their order, with 0 for zero, so that neighbors differ by 1. */
function ordinal(value: number): number {
  float[0] = value;
  return word[0] < 0 ? -(word[0] & 0x7fffffff) : word[0];
}

/** The number of steps between neighboring float32 numbers from a to b. */
export const ulpsBetween = (a: number, b: number): number => Math.abs(ordinal(a) - ordinal(b));

const isMeasured = (a: number, b: number): boolean => Number.isFinite(a) && Number.isFinite(b);

/** 1 − cos, computed as half the squared distance of the unit vectors, because rounding would cancel 1 − cos. */
function angleOf(got: FloatArray, expected: FloatArray, gotNorm: number, expectedNorm: number): number {
  if (gotNorm === 0 || expectedNorm === 0) return NaN;
  let squares = 0;
  expected.forEach((w, i) => {
    if (isMeasured(got[i], w)) squares += (got[i] / gotNorm - w / expectedNorm) ** 2;
  });
  return squares / 2;
}

export function measure(got: FloatArray, expected: FloatArray): Measures {
  let [maxAbs, largest, ulps, gotSquares, expectedSquares] = [0, 0, 0, 0, 0];
  expected.forEach((w, i) => {
    const g = got[i];
    if (!isMeasured(g, w)) return;
    maxAbs = Math.max(maxAbs, Math.abs(g - w));
    largest = Math.max(largest, Math.abs(w));
    ulps = Math.max(ulps, ulpsBetween(g, w));
    gotSquares += g * g;
    expectedSquares += w * w;
  });
  return {
    maxAbs,
    relative: maxAbs === 0 ? 0 : maxAbs / largest,
    ulps,
    angle: angleOf(got, expected, Math.sqrt(gotSquares), Math.sqrt(expectedSquares)),
  };
}
