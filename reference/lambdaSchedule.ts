import { requireOneOf, requireOptions, requireRange } from './require.js';

export interface LambdaScheduleOptions {
  readonly schedule: 'linear' | 'cosine';
  /** D, the number of epochs in which λ rises from 0 to 1. */
  readonly decayEpochs: number;
}

/**
 * λ at an epoch, which may be fractional (linear in arXiv 2305.12972, sec. 3.1; both in the official code):
 *
 *     linear:  λ = e/D                     cosine:  λ = ½·(1 − cos(π·e/D))
 *
 * and λ = 1 from epoch D on.
 *
 * @param epoch e ≥ 0
 * @throws ParamError
 */
export function lambdaSchedule(epoch: number, options: LambdaScheduleOptions): number {
  const { schedule, decayEpochs } = requireOptions('lambdaSchedule', 'options', options, ['schedule', 'decayEpochs']);
  requireRange('lambdaSchedule', 'epoch', epoch, 0, Infinity);
  requireRange('lambdaSchedule', 'decayEpochs', decayEpochs, 0, Infinity);
  requireOneOf('lambdaSchedule', 'schedule', schedule, ['linear', 'cosine']);
  if (epoch >= decayEpochs) return 1;
  const t = epoch / decayEpochs;
  return schedule === 'linear' ? t : (1 - Math.cos(Math.PI * t)) / 2;
}
