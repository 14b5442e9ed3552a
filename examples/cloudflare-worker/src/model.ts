import { loadModel, type Model } from 'vanillanet';
import type { Context, Env } from './env.js';
import { unavailable } from './httpError.js';
import type { Limits } from './limits.js';
import { openWeights } from './weights.js';

let loading: Promise<Model> | null = null;

/** Loads once for all requests. What failed is tried again by the next. */
function load(env: Env, context: Context): Promise<Model> {
  const model = openWeights(env).then((weights) => loadModel(weights));
  loading = model;
  const settled = model.then(
    () => undefined,
    () => {
      if (loading === model) loading = null;
    },
  );
  // Others wait for it too: it goes on without the client that came first.
  context.waitUntil(settled);
  return model;
}

/** The model, loaded by the first request. */
export async function modelOf(env: Env, context: Context, { LOAD_MS }: Limits): Promise<Model> {
  const model = loading ?? load(env, context);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // A load whose request was ended never settles.
      if (loading === model) loading = null;
      reject(unavailable('the weights are not there yet'));
    }, LOAD_MS);
  });
  try {
    return await Promise.race([model, late]);
  } finally {
    clearTimeout(timer);
  }
}
