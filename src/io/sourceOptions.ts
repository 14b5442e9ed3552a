import { checkFunction, checkInteger } from '../core/check.js';
import { timeoutOf } from '../core/timeout.js';
import type { ResponseLike } from './weightsSource.js';

/** A function that requests a URL, such as the global `fetch`. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<ResponseLike>;

/** How weights are read. */
export interface SourceOptions {
  /** Milliseconds to wait for the next bytes, except of files: 30 000 by default, 0 for no timeout. */
  readonly timeout?: number | undefined;
  /** How many times in a row a broken connection is resumed without receiving a byte: 3 by default. */
  readonly retries?: number | undefined;
  /** Replaces the global `fetch`, for files that are not on the network: `(url, init) => env.ASSETS.fetch(url, init)`. */
  readonly fetch?: Fetch | undefined;
}

/** `SourceOptions`, checked and with defaults. */
export interface ResolvedSourceOptions {
  /** In milliseconds; Infinity for none. */
  readonly timeout: number;
  readonly retries: number;
  readonly fetch: Fetch;
}

/** @throws ParamError */
export function resolveSourceOptions({ timeout, retries = 3, fetch }: SourceOptions = {}): ResolvedSourceOptions {
  if (fetch !== undefined) checkFunction('fetch', fetch);
  return {
    timeout: timeoutOf(timeout),
    retries: checkInteger('retries', retries, { min: 0 }),
    // The global is looked up at each call: some runtimes forbid its use at import.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
}
