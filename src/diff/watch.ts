import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { featureNames, planNetwork } from '../core/network.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { checkState } from '../core/parameters.js';
import { streamOf } from '../core/weights.js';
import { viewsOf, type Views } from './views.js';

/** All that a session shows: every layer, or where modules end, and the logits. */
async function tensorsOf(session: Session, config: ModelConfig, { data, shape }: Tensor): Promise<Map<string, Tensor>> {
  const [n] = shape;
  if (session.layers !== undefined) return session.layers(data, n);
  const maps = (await session.features?.(data, n, featureNames(config))) ?? new Map<string, Tensor>();
  return maps.set('logits', { data: await session.forward(data, n), shape: [n, config.num_classes] });
}

/**
 * A backend at work on a batch.
 *
 * @param config its input_size is that of x
 * @param x [n,in_chans,h,w]
 * @throws WeightsError, ShapeError, BackendUnavailableError
 */
export async function watch(backend: Backend, state: StateDict, config: ModelConfig, x: Tensor): Promise<Views> {
  checkState(state, config);
  const plan = planNetwork(config, config.input_size);
  const session = await backend.open(streamOf(state), config);
  try {
    const by = session.layers === undefined ? 'modules' : 'layers';
    return viewsOf(await tensorsOf(session, config, x), plan, x.shape[0], by, backend.name);
  } finally {
    session.dispose();
  }
}
