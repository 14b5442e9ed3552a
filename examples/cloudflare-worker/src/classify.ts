import { withBody } from './body.js';
import { decode } from './decode.js';
import type { Context, Env } from './env.js';
import { inspect } from './inspect.js';
import { limitsOf } from './limits.js';
import { modelOf } from './model.js';
import { inSlot } from './slots.js';
import { release } from './release.js';

export interface Labels {
  /** Most probable first. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
}

/** Classifies the image in a request's body. */
export async function classify(request: Request, env: Env, context: Context): Promise<Labels> {
  const limits = limitsOf(env);
  return withBody(request, limits, async (bytes) => {
    const info = inspect(bytes, limits);
    // Only after the upload: a slow client must not occupy a slot.
    return inSlot(limits.QUEUE_DEPTH, async () => {
      // Before the image is decoded: its pixels must not fill the memory while the weights are loading.
      const model = await modelOf(env, context, limits);
      const image = decode(bytes, info);
      const predictions = await model.classify(image).finally(() => {
        release(image.data);
      });
      return { labels: predictions.map(({ label, probability }) => ({ label, probability })) };
    });
  });
}
