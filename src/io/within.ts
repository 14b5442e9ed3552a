import { WeightsError } from '../core/errors.js';

/** What a timer can count. */
const LONGEST = 2 ** 31 - 1;

/**
 * What is waited for, or a WeightsError under `op` where it does not come in time. Nobody
 * is told to stop: that is the caller's to do. No timer is left behind.
 *
 * @param timeout in milliseconds; more than a timer can count is as long as it takes
 */
export async function within<T>(awaited: PromiseLike<T> | T, timeout: number, op: string): Promise<T> {
  if (timeout > LONGEST) return awaited;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const refuse = (): void => {
      reject(new WeightsError({ op, expected: `the next bytes within ${timeout / 1000} s`, got: 'none' }));
    };
    timer = setTimeout(() => {
      // A thread that was busy all the while first hears what has come.
      timer = setTimeout(refuse, 0);
    }, timeout);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}
