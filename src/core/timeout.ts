import { ParamError } from './errors.js';

/** What a timer can count. */
const LONGEST = 2 ** 31 - 1;

/** Milliseconds to wait, Infinity where 0 says that there is no end. @throws ParamError */
export function timeoutOf(timeout = 30_000): number {
  // A caller without types may give anything.
  const given: unknown = timeout;
  if (typeof given !== 'number' || !(given >= 0)) {
    const got = typeof given === 'number' ? `${given}` : typeof given;
    throw new ParamError({ op: 'timeout', expected: 'milliseconds >= 0', got });
  }
  return given === 0 ? Infinity : given;
}

/**
 * What is waited for, or an error of the caller's where it does not come in time. Nobody
 * is told to stop: that is the caller's to do. No timer is left behind.
 *
 * @param timeout in milliseconds; more than a timer can count is as long as it takes
 */
export async function withTimeout<T>(awaited: PromiseLike<T> | T, timeout: number, late: () => Error): Promise<T> {
  // What is there needs no timer, which not every realm has.
  const isThere = typeof (awaited as Partial<PromiseLike<T>> | null | undefined)?.then !== 'function';
  if (isThere || timeout > LONGEST) return awaited;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refused = new Promise<never>((_, reject) => {
    const refuse = (): void => {
      reject(late());
    };
    timer = setTimeout(() => {
      // A thread that was busy all the while first hears what has come.
      timer = setTimeout(refuse, 0);
    }, timeout);
  });
  try {
    return await Promise.race([awaited, refused]);
  } finally {
    clearTimeout(timer);
  }
}
