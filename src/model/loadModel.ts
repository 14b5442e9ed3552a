import type { Backend } from '../core/backend.js';
import type { GivenConfig } from '../core/config.js';
import { configOf } from '../io/configMetadata.js';
import { decodeSafetensors } from '../io/safetensors.js';
import { createWasmBackend, type WasmBackendOptions } from '../wasm/backend.js';
import { Model } from './model.js';

export interface LoadModelOptions extends WasmBackendOptions {
  /** What computes it: 'wasm' (the default), or a backend of one's own. */
  readonly backend?: 'wasm' | Backend;
  /** For weights that do not describe themselves, or not in full; keys as in `ModelConfig`. */
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
  { backend = 'wasm', config, ...options }: LoadModelOptions = {},
): Promise<Model> {
  const bytes = weights instanceof Uint8Array ? weights : new Uint8Array(weights);
  const decoded = decodeSafetensors(bytes);
  const found = configOf(decoded, config, 'loadModel');
  return Model.open(decoded.tensors, found, backend === 'wasm' ? createWasmBackend(options) : backend);
}
