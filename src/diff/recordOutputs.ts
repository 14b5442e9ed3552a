import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { featureNames, planNetwork } from '../core/network.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { checkState } from '../core/parameters.js';
import { streamOf } from '../core/weights.js';
import { assignOutputs, type LayerOutputs } from './layerOutputs.js';

/** The outputs that a session has: of every layer, or of the modules, and the logits. */
async function tensorsOf(session: Session, config: ModelConfig, { data, shape }: Tensor): Promise<Map<string, Tensor>> {
  const [n] = shape;
  if (session.layers !== undefined) return session.layers(data, n);
  const maps = (await session.features?.(data, n, featureNames(config))) ?? new Map<string, Tensor>();
  return maps.set('logits', { data: await session.forward(data, n), shape: [n, config.num_classes] });
}

/**
 * Runs a backend on a batch and records the outputs of its layers.
 *
 * @param config a configuration with the input_size of x
 * @param x [n,in_chans,h,w]
 * @throws WeightsError, ShapeError, BackendUnavailableError
 */
export async function recordOutputs(
  backend: Backend,
  state: StateDict,
  config: ModelConfig,
  x: Tensor,
): Promise<LayerOutputs> {
  checkState(state, config);
  const plan = planNetwork(config, config.input_size);
  const session = await backend.open(streamOf(state), config);
  try {
    const by = session.layers === undefined ? 'modules' : 'layers';
    return assignOutputs(await tensorsOf(session, config, x), plan, x.shape[0], by, backend.name);
  } finally {
    session.dispose();
  }
}
