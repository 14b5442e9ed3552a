import type { Env } from './env.js';

/** Limits for requests. README.md derives them from the 128 MB of a Worker. */
const LIMITS = {
  /** The maximum bytes of a body. */
  MAX_BYTES: 4 * 2 ** 20,
  /** The maximum width times height. */
  MAX_PIXELS: 2 * 2 ** 20,
  /** The maximum scans of a progressive JPEG: each takes as long as decoding a small image. */
  MAX_SCANS: 100,
  /** The maximum bytes of all bodies in memory together. */
  HELD_BYTES: 16 * 2 ** 20,
  /** How many images may be in progress or wait. */
  QUEUE_DEPTH: 8,
  /** The maximum time for an upload. */
  UPLOAD_MS: 10_000,
  /** The maximum time that a request waits for the weights. */
  LOAD_MS: 20_000,
  /** The time after which a load is given up and started again: 30 s after its client got a 503. */
  LOST_MS: 50_000,
};

export type Limits = Readonly<typeof LIMITS>;

/** The limits, which variables of the same names override. */
export function limitsOf(env: Env): Limits {
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof Limits)[]) {
    const value = env[name] === undefined ? LIMITS[name] : Number(env[name]);
    if (!(value > 0)) throw new Error(`${name}: expected a number > 0, got ${String(env[name])}`);
    limits[name] = value;
  }
  return limits;
}
