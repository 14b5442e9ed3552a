/** The bindings in wrangler.jsonc: static assets or a bucket with the weights, and variables. */
export interface Env {
  readonly ASSETS?: { fetch(url: string): Promise<Response> };
  readonly WEIGHTS?: { get(key: string): Promise<{ readonly body: ReadableStream<Uint8Array> } | null> };
  readonly WEIGHTS_FILE: string;
  /** Limits by their names: see limits.ts. */
  readonly [variable: string]: unknown;
}

/** The part of a Worker's context that is used. */
export interface Context {
  /** Keeps the request alive until the promise settles, even if the client disconnects. */
  waitUntil(promise: Promise<unknown>): void;
}
