/** Waits for bytes: with a timeout, and until a signal is aborted. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';

export interface WaitOptions {
  /** Milliseconds; Infinity for no timeout. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that must arrive within each timeout: a connection that brings fewer makes no progress. */
export const PROGRESS = 2 ** 14;

const timeouts = new WeakSet<object>();

/** Whether an error is that of a timeout while waiting for bytes. */
export const isReadTimeout = (error: unknown): boolean => timeouts.has(error as object);

function timeoutError(op: string, timeout: number, bytes: number): WeightsError {
  const [expected, got] = bytes === 0 ? ['the next bytes', 'none'] : [`${PROGRESS} bytes or the end`, `${bytes} bytes`];
  const hint = 'Increase timeout if the connection is slow; 0 waits forever.';
  const error = new WeightsError({ op, expected: `${expected} within ${timeout / 1000} s`, got, hint });
  timeouts.add(error);
  return error;
}

/** Resolves as the awaited value. @throws WeightsError after the timeout; the reason of the signal if it is aborted */
export const waitFor = <T>(awaited: PromiseLike<T> | T, wait: WaitOptions, op: string): Promise<T> =>
  withTimeout(awaited, wait.timeout, () => timeoutError(op, wait.timeout, 0), wait.signal);

/**
 * The pace of a stream. Only the time is counted in which the reader waits, not that in which it works, so a slow
 * consumer never causes a timeout.
 */
export class Pace {
  readonly #op: string;
  readonly #wait: WaitOptions;
  /** Milliseconds and bytes since `PROGRESS` bytes had arrived. */
  #waited = 0;
  #bytes = 0;

  constructor(op: string, wait: WaitOptions) {
    this.#op = op;
    this.#wait = wait;
  }

  /** Resolves as a read of the next chunk. @throws WeightsError, or the reason of the signal */
  async next<T extends { readonly done?: boolean | undefined; readonly value?: Uint8Array | undefined }>(
    read: PromiseLike<T>,
  ): Promise<T> {
    const { timeout, signal } = this.#wait;
    const start = performance.now();
    const rest = Math.max(0, timeout - this.#waited);
    const chunk = await withTimeout(read, rest, () => this.#error(), signal);
    // A reader of the caller's own may return anything.
    const value: unknown = chunk;
    if (typeof value !== 'object' || value === null) {
      throw new WeightsError({ op: this.#op, expected: 'chunks as { done, value }', got: show(value) });
    }
    this.#count(performance.now() - start, chunk.value?.length ?? 0);
    // Timers do not run between empty chunks that are already there.
    const isEmpty = chunk.done !== true && (chunk.value?.length ?? 0) === 0;
    if (isEmpty && this.#waited >= timeout) throw this.#error();
    return chunk;
  }

  #count(milliseconds: number, bytes: number): void {
    this.#waited += milliseconds;
    this.#bytes += bytes;
    if (this.#bytes < PROGRESS) return;
    this.#waited = 0;
    this.#bytes = 0;
  }

  #error(): WeightsError {
    return timeoutError(this.#op, this.#wait.timeout, this.#bytes);
  }
}
