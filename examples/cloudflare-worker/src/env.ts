/** What wrangler.jsonc binds: one of the two places for weights, and variables. */
export interface Env {
  readonly ASSETS?: { fetch(url: string): Promise<Response> };
  readonly WEIGHTS?: { get(key: string): Promise<{ readonly body: ReadableStream<Uint8Array> } | null> };
  readonly WEIGHTS_FILE: string;
  /** Any of the limits, by its name. */
  readonly [variable: string]: unknown;
}

/** The part of a Worker's context that is used. */
export interface Context {
  /** Lets what was begun go on when the client is gone. */
  waitUntil(promise: Promise<unknown>): void;
}
