import type { Backend } from '../core/backend.js';
import { ParamError } from '../core/errors.js';
import { validateOrCancel } from '../io/cancelSource.js';
import type { WeightsSource } from '../io/source.js';
import { checkWasmOptions, createWasmBackend, type WasmBackendOptions } from '../wasm/inference/backend.js';
import type { Model } from './model.js';
import { readModel, type ReadOptions } from './readModel.js';

export interface LoadModelOptions extends WasmBackendOptions, ReadOptions {
  /** What computes it: 'wasm' (the default), or a backend of one's own. */
  readonly backend?: 'wasm' | Backend;
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
export async function loadModel(weights: WeightsSource, given: LoadModelOptions = {}): Promise<Model> {
  validateOrCancel(weights, () => {
    // A caller without types may pass anything.
    const any: unknown = given;
    if (typeof any === 'object' && any !== null) return;
    throw new ParamError({ op: 'options', expected: 'an object', got: String(any) });
  });
  const { backend = 'wasm', build, threads, memoryLimit, ...read } = given;
  const options = { build, threads, memoryLimit };
  const check = (): void => {
    if (backend === 'wasm') {
      checkWasmOptions(options);
      return;
    }
    // A caller without types may name anything.
    if (typeof (backend as Partial<Backend> | null)?.open === 'function') return;
    const got = typeof backend === 'string' ? backend : typeof backend;
    throw new ParamError({ op: 'backend', expected: "'wasm' or a backend", got });
  };
  return readModel(weights, backend === 'wasm' ? createWasmBackend(options) : backend, check, read);
}
