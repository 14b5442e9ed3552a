import { WeightsError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';

/** `withTimeout` with a WeightsError, for reads. */
export const withReadTimeout = <T>(awaited: PromiseLike<T> | T, timeout: number, op: string): Promise<T> =>
  withTimeout(
    awaited,
    timeout,
    () => new WeightsError({ op, expected: `the next bytes within ${timeout / 1000} s`, got: 'none' }),
  );
