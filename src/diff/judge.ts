import type { FloatArray } from '../core/tensor.js';
import type { Worst } from './comparison.js';
import type { OracleResult } from './oracle.js';

export interface Judgment {
  readonly worst: Worst;
  readonly outside: number;
  readonly unjudged: number;
}

/** Row-major position i as indices. */
export function indicesOf(i: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  for (const size of [...shape].reverse()) {
    indices.unshift(i % size);
    i = Math.floor(i / size);
  }
  return indices;
}

/** error/bound; of no error nothing, and of an error where there may be none everything. */
const ratioOf = (error: number, bound: number): number => (error === 0 ? 0 : error / bound);

/**
 * Holds an output against its answer, element by element.
 *
 * @param shape [n,c,h,w] of both
 */
export function judge(got: FloatArray, { exact, bound }: OracleResult, shape: readonly number[]): Judgment {
  let [at, highest, outside, unjudged] = [-1, -1, 0, 0];
  const errorOf = (i: number): number => {
    const error = Math.abs(got[i] - exact[i]);
    return Number.isNaN(error) ? Infinity : error;
  };
  exact.forEach((want, i) => {
    if (!Number.isFinite(want)) {
      // It was computed from what is no number: whoever made that was named already.
      unjudged++;
      return;
    }
    const ratio = ratioOf(errorOf(i), bound[i]);
    if (ratio > 1) outside++;
    if (ratio > highest) [at, highest] = [i, ratio];
  });
  if (at < 0) at = 0;
  const worst = { at: indicesOf(at, shape), got: got[at], exact: exact[at], error: errorOf(at), bound: bound[at] };
  return { worst: { ...worst, ratio: Math.max(0, highest) }, outside, unjudged };
}
