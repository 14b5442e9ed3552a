import { withBody } from './body.js';
import { decode } from './decode.js';
import type { Context, Env } from './env.js';
import { inspect } from './inspect.js';
import { limitsOf } from './limits.js';
import { modelOf } from './model.js';
import { inPlace } from './places.js';
import { release } from './release.js';

export interface Labels {
  /** Best first. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
}

/** The labels of the image that a request's body is. */
export async function classify(request: Request, env: Env, context: Context): Promise<Labels> {
  const limits = limitsOf(env);
  return withBody(request, limits, async (bytes) => {
    const info = inspect(bytes, limits);
    // A place is for who has sent an image, not for who is still sending.
    return inPlace(limits.QUEUE_DEPTH, async () => {
      // Before the image is decoded: pixels are not to wait for weights.
      const model = await modelOf(env, context, limits);
      const image = decode(bytes, info);
      const best = await model.classify(image).finally(() => {
        release(image.data);
      });
      return { labels: best.map(({ label, probability }) => ({ label, probability })) };
    });
  });
}
