import { Draws } from '../../../src/data/augment/draws.js';

/** Distance of a sample mean from its expectation, in standard errors. */
export function deviations(samples: readonly number[], mean: number, variance: number): number {
  const got = samples.reduce((sum, v) => sum + v, 0) / samples.length;
  return Math.abs(got - mean) / Math.sqrt(variance / samples.length);
}

/** One sample of each of n images. */
export const sample = <T>(n: number, of: (draws: Draws) => T): T[] =>
  Array.from({ length: n }, (_, i) => of(Draws.forImage(11, 2, i)));
