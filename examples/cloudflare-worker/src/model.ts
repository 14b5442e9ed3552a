import { loadModel, type Model } from 'vanillanet';
import type { Context, Env } from './env.js';
import { unavailable } from './httpError.js';
import type { Limits } from './limits.js';
import { openWeights } from './weights.js';

interface Load {
  readonly startTime: number;
  readonly model: Promise<Model>;
  isDone: boolean;
}

let current: Load | null = null;

/** Starts a load for all requests. After a failure, the next request starts another one. */
function startLoad(env: Env, context: Context): Load {
  const load: Load = {
    startTime: Date.now(),
    model: openWeights(env).then((weights) => loadModel(weights)),
    isDone: false,
  };
  current = load;
  const finished = load.model.then(
    () => {
      load.isDone = true;
      // Also a load that was given up, if it is the first to succeed.
      if (!current?.isDone) current = load;
    },
    () => {
      if (current === load) current = null;
    },
  );
  // Other requests wait for it, too: it continues if the first client disconnects.
  context.waitUntil(finished);
  return load;
}

/** Whether a load is given up: if the platform ends its request, its promise never settles. */
const isLost = ({ isDone, startTime }: Load, { LOST_MS }: Limits): boolean =>
  !isDone && Date.now() - startTime > LOST_MS;

/** The model, loaded by the first request. A load that is slower than `LOAD_MS` serves later requests. @throws HttpError */
export async function modelOf(env: Env, context: Context, limits: Limits): Promise<Model> {
  const { model } = current === null || isLost(current, limits) ? startLoad(env, context) : current;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable('the weights are still loading'));
    }, limits.LOAD_MS);
  });
  try {
    return await Promise.race([model, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
