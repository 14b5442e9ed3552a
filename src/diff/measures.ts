import type { FloatArray } from '../core/tensor.js';

/** How far two arrays are apart; what is not finite in either is not measured. */
export interface Measures {
  readonly maxAbs: number;
  /** Of the largest magnitude in the array that was wanted; 0 where both are zero throughout. */
  readonly relative: number;
  /**
   * The most steps from one float32 number to the next that lie between two elements. Large
   * where a sum cancels, however good its terms: the bound knows, steps do not.
   */
  readonly ulps: number;
  /** 1 − cosine of the angle between them; NaN where one has no direction. */
  readonly angle: number;
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** Float32 numbers counted from zero, so that neighbors differ by 1. */
function place(value: number): number {
  float[0] = value;
  return word[0] < 0 ? -(word[0] & 0x7fffffff) : word[0];
}

/** Steps from one float32 number to the other. */
export const ulpsBetween = (a: number, b: number): number => Math.abs(place(a) - place(b));

const isMeasured = (a: number, b: number): boolean => Number.isFinite(a) && Number.isFinite(b);

/** 1 − cos, as half the square of the difference of directions: 1 less the cosine would be lost in rounding. */
function angleOf(got: FloatArray, wanted: FloatArray, gotSize: number, wantedSize: number): number {
  if (gotSize === 0 || wantedSize === 0) return NaN;
  let squares = 0;
  wanted.forEach((w, i) => {
    if (isMeasured(got[i], w)) squares += (got[i] / gotSize - w / wantedSize) ** 2;
  });
  return squares / 2;
}

export function measure(got: FloatArray, wanted: FloatArray): Measures {
  let [maxAbs, largest, ulps, gotSquares, wantedSquares] = [0, 0, 0, 0, 0];
  wanted.forEach((w, i) => {
    const g = got[i];
    if (!isMeasured(g, w)) return;
    maxAbs = Math.max(maxAbs, Math.abs(g - w));
    largest = Math.max(largest, Math.abs(w));
    ulps = Math.max(ulps, ulpsBetween(g, w));
    gotSquares += g * g;
    wantedSquares += w * w;
  });
  return {
    maxAbs,
    relative: maxAbs === 0 ? 0 : maxAbs / largest,
    ulps,
    angle: angleOf(got, wanted, Math.sqrt(gotSquares), Math.sqrt(wantedSquares)),
  };
}
