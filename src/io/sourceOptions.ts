import { checkSignal, type AbortOptions } from '../core/abort.js';
import { checkFunction, checkInteger } from '../core/check.js';
import { timeoutOf } from '../core/timeout.js';
import type { WaitOptions } from './readTimeout.js';
import type { ResponseLike } from './weightsSource.js';

/** A function that requests a URL, such as the global `fetch`. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<ResponseLike>;

/** How weights are read. A `signal` aborts reading; for a deadline, pass `AbortSignal.timeout(milliseconds)`. */
export interface SourceOptions extends AbortOptions {
  /**
   * Milliseconds to wait for the next 16 KiB, or the end; 30 000 by default, 0 for no timeout. Files are read without a
   * timeout.
   */
  readonly timeout?: number | undefined;
  /** How many times in a row a connection may break before 16 KiB have arrived: 3 by default. The rest is requested. */
  readonly retries?: number | undefined;
  /** Replaces the global `fetch`, for files that are not on the network: `(url, init) => env.ASSETS.fetch(url, init)`. */
  readonly fetch?: Fetch | undefined;
}

export const SOURCE_KEYS = [
  'timeout',
  'retries',
  'fetch',
  'signal',
] as const satisfies readonly (keyof SourceOptions)[];

/** `SourceOptions`, checked and with defaults. */
export interface ResolvedSourceOptions extends WaitOptions {
  readonly retries: number;
  readonly fetch: Fetch;
  /** Whether `fetch` is the caller's, which may know other schemes. */
  readonly hasOwnFetch: boolean;
}

/** @throws ParamError */
export function resolveSourceOptions({
  timeout,
  retries = 3,
  fetch,
  signal,
}: SourceOptions = {}): ResolvedSourceOptions {
  if (fetch !== undefined) checkFunction('fetch', fetch);
  return {
    timeout: timeoutOf(timeout),
    retries: checkInteger('retries', retries, { min: 0 }),
    // The global is looked up at each call: some runtimes forbid its use at import.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
    hasOwnFetch: fetch !== undefined,
    signal: checkSignal('signal', signal),
  };
}
