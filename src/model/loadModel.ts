import type { Backend } from '../core/backend.js';
import { resolveConfig, type GivenConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { readConfig } from '../io/configMetadata.js';
import { decodeSafetensors } from '../io/safetensors.js';
import { wasmBackend } from '../wasm/backend.js';
import { Model } from './model.js';

export interface LoadModelOptions {
  /** What computes it: 'wasm' (the default), or a backend of one's own. */
  readonly backend?: 'wasm' | Backend;
  /** For weights that do not describe themselves; keys as in `ModelConfig`. */
  readonly config?: GivenConfig;
}

/**
 * A model from the bytes of a safetensors file:
 *
 *     const model = await loadModel(await readFile('net.safetensors'));
 *     const [best] = await model.classify(pixels);
 *
 * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
 */
export async function loadModel(
  weights: Uint8Array | ArrayBuffer,
  { backend = 'wasm', config }: LoadModelOptions = {},
): Promise<Model> {
  const bytes = weights instanceof Uint8Array ? weights : new Uint8Array(weights);
  const { tensors, metadata } = decodeSafetensors(bytes);
  const found = config === undefined ? readConfig(metadata) : resolveConfig(config);
  if (found === null) {
    throw new WeightsError({
      op: 'loadModel',
      expected: 'weights that carry their configuration, or `config`',
      got: 'neither',
    });
  }
  return Model.open(tensors, found, backend === 'wasm' ? wasmBackend : backend);
}
