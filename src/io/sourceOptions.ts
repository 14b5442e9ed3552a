import { checkFunction, checkInteger } from '../core/check.js';
import { timeoutOf } from '../core/timeout.js';
import type { ResponseLike } from './source.js';

/** What asks a server. The global `fetch` is one. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<ResponseLike>;

/** How weights are fetched. */
export interface SourceOptions {
  /** Milliseconds to wait for the next bytes of whatever is no file: 30 000 where it is not given, 0 for no end. */
  readonly timeout?: number | undefined;
  /** How often a URL is asked to go on where its connection broke, without a byte coming: 3 where it is not given. */
  readonly retries?: number | undefined;
  /** In the place of the global one, for what is not on the network: `(url, init) => env.ASSETS.fetch(url, init)`. */
  readonly fetch?: Fetch | undefined;
}

/** The options, complete. */
export interface Fetching {
  /** Infinity for no end. */
  readonly timeout: number;
  readonly retries: number;
  readonly fetch: Fetch;
}

/** The options with what stands for those not given. @throws ParamError */
export function sourceOptions({ timeout, retries = 3, fetch }: SourceOptions): Fetching {
  if (fetch !== undefined) checkFunction('fetch', fetch);
  return {
    timeout: timeoutOf(timeout),
    retries: checkInteger('retries', retries, { min: 0 }),
    // Looked up when it is called: some runtimes forbid to use it at import.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
}
