import { loadModel, type Model } from 'vanillanet';
import type { Context, Env } from './env.js';
import { unavailable } from './httpError.js';
import type { Limits } from './limits.js';
import { openWeights } from './weights.js';

interface Load {
  readonly begun: number;
  readonly model: Promise<Model>;
  ended: boolean;
}

let current: Load | null = null;

/** Loads once for all requests. What failed is tried again by the next. */
function begin(env: Env, context: Context): Load {
  const load: Load = { begun: Date.now(), model: openWeights(env).then((weights) => loadModel(weights)), ended: false };
  current = load;
  const settled = load.model.then(
    () => {
      load.ended = true;
      // Also one that was given up, where it comes first after all. The other is garbage.
      if (!current?.ended) current = load;
    },
    () => {
      if (current === load) current = null;
    },
  );
  // Others wait for it too: it goes on without the client that came first.
  context.waitUntil(settled);
  return load;
}

/** Whether it can no longer come: what a request that was ended had awaited never settles. */
const isLost = ({ ended, begun }: Load, { LOST_MS }: Limits): boolean => !ended && Date.now() - begun > LOST_MS;

/** The model, loaded by the first request. Who does not wait for all of it leaves it to those who come later. */
export async function modelOf(env: Env, context: Context, limits: Limits): Promise<Model> {
  const { model } = current === null || isLost(current, limits) ? begin(env, context) : current;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable('the weights are not there yet'));
    }, limits.LOAD_MS);
  });
  try {
    return await Promise.race([model, late]);
  } finally {
    clearTimeout(timer);
  }
}
