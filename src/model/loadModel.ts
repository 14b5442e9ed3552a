import type { Backend } from '../core/backend.js';
import type { GivenConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { configOf } from '../io/configMetadata.js';
import { openWeights, type OpenOptions } from '../io/openWeights.js';
import { streamSafetensors } from '../io/safetensorsStream.js';
import type { WeightsSource } from '../io/source.js';
import { createWasmBackend, type WasmBackendOptions } from '../wasm/backend.js';
import { Model } from './model.js';

export interface LoadModelOptions extends WasmBackendOptions, OpenOptions {
  /** What computes it: 'wasm' (the default), or a backend of one's own. */
  readonly backend?: 'wasm' | Backend;
  /** For weights that do not describe themselves, or not in full; keys as in `ModelConfig`. */
  readonly config?: GivenConfig;
}

/**
 * A model from a safetensors file, wherever it is: its bytes, a path or URL, a
 * `Response`, a `Blob`, a stream; or the path or URL of an index of shards, or what
 * `openShards` gives. Weights are taken in as they come.
 *
 *     const model = await loadModel('net.safetensors', { threads: 'auto' });
 *     const [best] = await model.classify(pixels);
 *
 * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
 */
export async function loadModel(
  weights: WeightsSource,
  { backend = 'wasm', config, timeout, retries, fetch, sha256, ...options }: LoadModelOptions = {},
): Promise<Model> {
  // A caller without types may name anything.
  if (backend !== 'wasm' && typeof (backend as Partial<Backend> | null)?.open !== 'function') {
    throw new ParamError({
      op: 'backend',
      expected: "'wasm' or a backend",
      got: typeof backend === 'string' ? backend : typeof backend,
    });
  }
  const source = await openWeights(weights, { timeout, retries, fetch, sha256 });
  const name = source.name ?? 'weights';
  try {
    const stream = await streamSafetensors(source.chunks, name);
    try {
      const found = configOf({ names: stream.shapes, metadata: stream.metadata }, config, source.name ?? 'loadModel');
      const named = { ...stream, file: source.name ?? undefined };
      return await Model.load(named, found, backend === 'wasm' ? createWasmBackend(options) : backend);
    } finally {
      await stream.close();
    }
  } catch (error) {
    throw await source.blame(error);
  } finally {
    await source.close();
  }
}
