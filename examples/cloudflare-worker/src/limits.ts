import type { Env } from './env.js';

/** What a request may ask for. README.md derives them from the 128 MB of a Worker. */
const LIMITS = {
  /** Bytes of a body. */
  MAX_BYTES: 4 * 2 ** 20,
  /** Width times height. */
  MAX_PIXELS: 2 * 2 ** 20,
  /** Times that a JPEG goes through its whole picture: each takes a decoder as long as a small image. */
  MAX_SCANS: 100,
  /** Bytes of all bodies together that are here. */
  HELD_BYTES: 16 * 2 ** 20,
  /** Images that are worked on or wait for it. */
  QUEUE_DEPTH: 8,
  /** How long a body may take to come. */
  UPLOAD_MS: 10_000,
  /** How long a request waits for the weights. */
  LOAD_MS: 20_000,
  /** After how long a load that did not end is begun anew: 30 s after the client that began it was told to come again. */
  LOST_MS: 50_000,
};

export type Limits = Readonly<typeof LIMITS>;

/** The limits, or what a variable of the same name says. */
export function limitsOf(env: Env): Limits {
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof Limits)[]) {
    const value = env[name] === undefined ? LIMITS[name] : Number(env[name]);
    if (!(value > 0)) throw new Error(`${name}: expected a number > 0, got ${String(env[name])}`);
    limits[name] = value;
  }
  return limits;
}
