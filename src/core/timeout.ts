import { onAbort } from './abort.js';
import { checkNumber } from './check.js';

/** The longest delay of a timer. */
const LONGEST = 2 ** 31 - 1;

/** A timeout in milliseconds; 0 means none and becomes Infinity. @throws ParamError */
export function timeoutOf(timeout = 30_000): number {
  const milliseconds = checkNumber('timeout', timeout, { min: 0, max: Infinity }, 'milliseconds');
  return milliseconds === 0 ? Infinity : milliseconds;
}

/**
 * Resolves as the awaited value, or rejects with the error of `late` after a timeout, or with the reason of a signal. What
 * is awaited is not canceled: that is up to the caller. Neither a timer nor a listener remains afterwards.
 *
 * @param timeout in milliseconds; if it exceeds the longest delay of a timer, there is no timeout
 */
export async function withTimeout<T>(
  awaited: PromiseLike<T> | T,
  timeout: number,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  if (signal === undefined) return raceTimer(awaited, timeout, late);
  let remove = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    remove = onAbort(signal, reject);
  });
  try {
    return await raceTimer(Promise.race([aborted, awaited]), timeout, late);
  } finally {
    remove();
  }
}

async function raceTimer<T>(awaited: PromiseLike<T> | T, timeout: number, late: () => Error): Promise<T> {
  // A plain value needs no timer, which some runtimes do not have.
  const isValue = typeof (awaited as Partial<PromiseLike<T>> | null | undefined)?.then !== 'function';
  if (isValue || timeout > LONGEST) return awaited;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    const expire = (): void => {
      reject(late());
    };
    timer = setTimeout(() => {
      // If the thread was blocked, results that arrived meanwhile are delivered first.
      timer = setTimeout(expire, 0);
    }, timeout);
  });
  try {
    return await Promise.race([awaited, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after a time. @throws the reason of the signal if it is aborted before; no timer remains */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      remove();
      resolve();
    }, milliseconds);
    const remove = onAbort(signal, (reason) => {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as fetch does, with any reason
      reject(reason);
    });
  });
}
