import type { FloatArray } from '../core/tensor.js';
import type { Worst } from './comparison.js';
import type { ReferenceOutput } from './referenceLayers.js';

export interface Judgment {
  readonly worst: Worst;
  readonly outside: number;
  readonly unjudged: number;
}

/** The indices of row-major position i. */
export function indicesOf(i: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  for (const size of [...shape].reverse()) {
    indices.unshift(i % size);
    i = Math.floor(i / size);
  }
  return indices;
}

/** error/bound; 0 without an error, and infinite for an error with a bound of 0. */
const ratioOf = (error: number, bound: number): number => (error === 0 ? 0 : error / bound);

/**
 * Compares an output with the reference, element by element.
 *
 * @param shape [n,c,h,w] of both
 */
export function judge(got: FloatArray, { exact, bound }: ReferenceOutput, shape: readonly number[]): Judgment {
  let [at, highest, outside, unjudged] = [-1, -1, 0, 0];
  const errorOf = (i: number): number => {
    const error = Math.abs(got[i] - exact[i]);
    return Number.isNaN(error) ? Infinity : error;
  };
  exact.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      // The input was NaN or infinite: the layer that made it is reported already.
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
