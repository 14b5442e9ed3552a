/** Says what a run will cost, measured in its first steps. */
import type { StepRecord } from '../report/record.js';
import { duration } from './progressBar.js';

/** Seconds of steps that an estimate needs. */
const LEAST = 5;
/** A run with fewer seconds left needs no estimate. */
const SHORT = 60;
const [DAY, WEEK, MONTH, YEAR] = [86_400, 604_800, 2_629_746, 31_556_952];
/** Units of a long time, and the seconds from which on it is counted in them. */
const UNITS: readonly (readonly [from: number, unit: number, name: string])[] = [
  [2 * YEAR, YEAR, 'years'],
  [3 * MONTH, MONTH, 'months'],
  [2 * WEEK, WEEK, 'weeks'],
  [2 * DAY, DAY, 'days'],
];

/** `16:15`, or in words: `3 weeks`. */
export function longDuration(seconds: number): string {
  const found = UNITS.find(([from]) => seconds >= from);
  if (found === undefined) return duration(seconds);
  const [, unit, name] = found;
  return `${Math.round(seconds / unit).toLocaleString('en-US')} ${name}`;
}

const HINT = 'narrower networks and smaller images take less: --dims, --size, or --preset article-small';

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
    const rest = `${longDuration(left)} to the end, by the first steps; evaluation comes on top`;
    return `time   about ${pace}, ${rest}${left >= 2 * DAY ? `; ${HINT}` : ''}`;
  };
}
