import { passBody, readBody } from './body.js';
import { decode } from './decode.js';
import type { Context, Env } from './env.js';
import { unavailable } from './httpError.js';
import { inspect } from './inspect.js';
import { limitsOf } from './limits.js';
import { modelOf } from './model.js';
import { inPlace } from './places.js';

export interface Labels {
  /** Best first. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
}

/** The labels of the image that a request's body is. */
export async function classify(request: Request, env: Env, context: Context): Promise<Labels> {
  const limits = limitsOf(env);
  const job = async (): Promise<Labels> => {
    const bytes = await readBody(request, limits);
    const info = inspect(bytes, limits);
    // Before the image is decoded: pixels are not to wait for weights.
    const model = await modelOf(env, context, limits);
    const best = await model.classify(await decode(bytes, info));
    return { labels: best.map(({ label, probability }) => ({ label, probability })) };
  };
  return inPlace(limits.QUEUE_DEPTH, job, async () => {
    await passBody(request, limits);
    throw unavailable(`${limits.QUEUE_DEPTH} requests are being worked on`);
  });
}
