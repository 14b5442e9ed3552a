import { ParamError } from './errors.js';

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
export function lambdaSchedule(epoch: number, { schedule, decayEpochs }: LambdaScheduleOptions): number {
  if (!(epoch >= 0)) throw new ParamError('lambdaSchedule', 'epoch >= 0', `epoch = ${epoch}`);
  if (!(decayEpochs >= 0)) throw new ParamError('lambdaSchedule', 'decayEpochs >= 0', `decayEpochs = ${decayEpochs}`);
  if (!['linear', 'cosine'].includes(schedule)) {
    throw new ParamError('lambdaSchedule', "'linear' or 'cosine'", schedule);
  }
  if (epoch >= decayEpochs) return 1;
  const t = epoch / decayEpochs;
  return schedule === 'linear' ? t : (1 - Math.cos(Math.PI * t)) / 2;
}
