import { ParamError } from '../core/errors.js';
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

const refuse = (op: string, expected: string, value: unknown): never => {
  throw new ParamError({ op, expected, got: typeof value === 'number' ? `${value}` : typeof value });
};

/** The options, complete. */
export interface Fetching {
  /** Infinity for no end. */
  readonly timeout: number;
  readonly retries: number;
  readonly fetch: Fetch;
}

/** The options with what stands for those not given. @throws ParamError */
export function sourceOptions({ timeout, retries = 3, fetch }: SourceOptions): Fetching {
  // A caller without types may give anything.
  const given: unknown = fetch;
  const patience = timeoutOf(timeout);
  if (!Number.isSafeInteger(retries) || retries < 0) refuse('retries', 'an integer >= 0', retries);
  if (given !== undefined && typeof given !== 'function') refuse('fetch', 'a function', given);
  return {
    timeout: patience,
    retries,
    // Looked up when it is called: some runtimes forbid it before.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
}
