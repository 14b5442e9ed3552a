/** Says what a run will cost, measured in its first steps. */
import type { StepRecord } from '../report/record.js';
import { duration } from './progressBar.js';

/** Seconds of steps that an estimate needs. */
const LEAST = 5;
/** A run with fewer seconds left needs no estimate. */
const SHORT = 60;
const DAY = 86_400;

const longDuration = (seconds: number): string =>
  seconds < 2 * DAY ? duration(seconds) : `${(seconds / DAY).toFixed(1)} days`;

/**
 * Returns a function that takes the record of every step, and returns a line about the time of an epoch and of the rest
 * of the run: once, after some seconds, and not for a short run.
 *
 * @param now milliseconds, for tests
 */
export function costEstimate(
  { epochs, batchSize }: { readonly epochs: number; readonly batchSize: number },
  now: () => number = () => performance.now(),
): (record: StepRecord) => string | null {
  const start = now();
  let isDone = false;
  return ({ epoch, step, steps, images_per_second }) => {
    if (isDone || now() - start < 1000 * LEAST) return null;
    isDone = true;
    const perEpoch = (steps * batchSize) / images_per_second;
    const left = perEpoch * (epochs - epoch + 1 - step / steps);
    if (!(left >= SHORT)) return null;
    const pace = `${longDuration(perEpoch)} an epoch`;
    return `time   about ${pace}, ${longDuration(left)} to the end, by the first steps; evaluation comes on top`;
  };
}
