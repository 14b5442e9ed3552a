import { WeightsError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';

/** What is waited for, or a WeightsError under `op` where it does not come in time: see `inTime`. */
export const withReadTimeout = <T>(awaited: PromiseLike<T> | T, timeout: number, op: string): Promise<T> =>
  withTimeout(
    awaited,
    timeout,
    () => new WeightsError({ op, expected: `the next bytes within ${timeout / 1000} s`, got: 'none' }),
  );
