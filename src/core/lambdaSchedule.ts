/** Schedules of λ. Cosines are computed here, so that all runtimes agree on every bit. */
import { cos } from './elementary.js';

export type LambdaSchedule = 'linear' | 'cosine';

const PI = 3.141592653589793;

/** ½·(1 − cos(πt)): rises from 0 at t = 0 to 1 at t = 1. */
export const halfCosine = (t: number): number => (1 - cos(PI * t)) / 2;

/**
 * λ after e epochs, which rises from 0 to 1 over D epochs, then stays 1:
 *
 *     linear:  λ = e/D                     cosine:  λ = ½·(1 − cos(π·e/D))
 */
export function scheduledLambda(e: number, decayEpochs: number, schedule: LambdaSchedule): number {
  if (e >= decayEpochs) return 1;
  return schedule === 'linear' ? e / decayEpochs : halfCosine(e / decayEpochs);
}
