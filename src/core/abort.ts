/** The option `signal`: a call that is aborted rejects with `signal.reason`, as `fetch` does. */
import { show } from './check.js';
import { ParamError } from './errors.js';

/** Options of a call that can be aborted. */
export interface AbortOptions {
  /** Aborts the call, which rejects with `signal.reason`. */
  readonly signal?: AbortSignal | null | undefined;
}

/** A signal of another realm is no instance of this realm's `AbortSignal`. */
const isSignal = (value: unknown): value is AbortSignal => {
  const signal = value as Partial<AbortSignal> | null | undefined;
  return (
    typeof signal === 'object' &&
    signal !== null &&
    typeof signal.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function'
  );
};

/** An `AbortSignal`, or none for undefined and null. @param op the option, for the error @throws ParamError */
export function checkSignal(op: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  if (isSignal(value)) return value;
  const hint = 'Pass the signal of an AbortController, or AbortSignal.timeout(milliseconds).';
  throw new ParamError({ op, expected: 'an AbortSignal', got: show(value), hint });
}

/** @throws the reason of the signal if it is aborted */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted === true) throw signal.reason;
}

/** The listeners that signals have now. */
const listenersBySignal = new WeakMap<AbortSignal, SharedListener>();

/** The one listener of a signal for all calls that wait for it: Node warns of more than ten. */
class SharedListener {
  readonly #signal: AbortSignal;
  readonly #calls = new Set<(reason: unknown) => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    listenersBySignal.set(signal, this);
    signal.addEventListener('abort', this.#callAll, { once: true });
  }

  readonly #callAll = (): void => {
    for (const call of this.#calls) {
      this.remove(call);
      try {
        call(this.#signal.reason);
      } catch (error) {
        // As of a listener of its own: the other calls are told, and the error is not caught.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };

  add(call: (reason: unknown) => void): void {
    this.#calls.add(call);
  }

  /** Removes a call, and after the last one the listener. */
  remove(call: (reason: unknown) => void): void {
    if (!this.#calls.delete(call) || this.#calls.size > 0) return;
    listenersBySignal.delete(this.#signal);
    this.#signal.removeEventListener('abort', this.#callAll);
  }
}

/**
 * Calls a function once when a signal is aborted, at once if it already is.
 *
 * @returns a function that removes the listener; call it when the work is done, because signals may live long
 */
export function onAbort(signal: AbortSignal | null | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === null || signal === undefined) return () => undefined;
  if (signal.aborted) {
    listener(signal.reason);
    return () => undefined;
  }
  const listeners = listenersBySignal.get(signal) ?? new SharedListener(signal);
  // A function of its own: the same listener may be passed twice.
  const call = (reason: unknown): void => {
    listener(reason);
  };
  listeners.add(call);
  return () => {
    listeners.remove(call);
  };
}

/**
 * Settles as a promise does, but rejects with the reason of the signal when it is aborted first. The work behind the
 * promise is not stopped: that is up to the caller. No listener remains afterwards, and a later rejection of the
 * promise is ignored.
 */
export async function untilAborted<T>(signal: AbortSignal | null | undefined, promise: PromiseLike<T> | T): Promise<T> {
  if (signal === null || signal === undefined) return promise;
  let remove = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    remove = onAbort(signal, reject);
  });
  try {
    // The signal goes first: if it is aborted already, its reason wins over a settled promise.
    return await Promise.race([aborted, promise]);
  } finally {
    remove();
  }
}
