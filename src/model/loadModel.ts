import type { Backend } from '../core/backend.js';
import { checkKeys, checkObject, show } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { cancelOnError } from '../io/cancelSource.js';
import type { WeightsSource } from '../io/weightsSource.js';
import { checkWasmOptions, createWasmBackend, WASM_KEYS, type WasmBackendOptions } from '../wasm/inference/backend.js';
import type { Model } from './model.js';
import { READ_KEYS, readModel, resolveReadOptions, type ReadOptions } from './readModel.js';

export interface LoadModelOptions extends WasmBackendOptions, ReadOptions {
  /** 'wasm' (the default), or another backend. */
  readonly backend?: 'wasm' | Backend;
}

export const LOAD_KEYS: readonly (keyof LoadModelOptions)[] = [...READ_KEYS, 'backend', ...WASM_KEYS];

/** @throws ParamError */
export function backendOf(backend: 'wasm' | Backend, options: WasmBackendOptions): Backend {
  if (backend === 'wasm') {
    checkWasmOptions(options);
    return createWasmBackend(options);
  }
  // A caller without types may pass anything.
  if (typeof (backend as Partial<Backend> | null)?.open !== 'function') {
    throw new ParamError({ op: 'backend', expected: "'wasm' or a backend", got: show(backend) });
  }
  const option = WASM_KEYS.find((key) => options[key] !== undefined);
  if (option === undefined) return backend;
  const hint = "It is an option of the backend 'wasm' alone.";
  throw new ParamError({ op: option, expected: 'no value with another backend', got: show(options[option]), hint });
}

/**
 * Loads a model from a safetensors file: from its bytes, a path or URL, a `Response`, a `Blob` or a stream; from
 * the path or URL of an index of shards, or the result of `openShards`. The weights are packed while they are
 * read. All options are checked first; if one is invalid, the source is canceled unread.
 *
 *     const model = await loadModel('net.safetensors', { threads: 'auto' });
 *     const [best] = await model.classify(pixels);
 *
 * With `signal`, the load can be aborted at any moment: it rejects with the reason of the signal, and keeps no memory, no
 * thread and no connection. `onProgress` reports the bytes that have arrived.
 *
 * @throws ParamError for an invalid or unknown option or configuration
 * @throws WeightsError for weights that cannot be read, are damaged, or are of another network
 * @throws ShapeError if `input_size` is too small for the network
 * @throws BackendUnavailableError if this runtime cannot run the backend
 */
export async function loadModel(weights: WeightsSource, options: LoadModelOptions = {}): Promise<Model> {
  const { backend, reading } = cancelOnError(weights, () => {
    checkKeys(checkObject('options', options), LOAD_KEYS, (key) => key);
    const { backend: choice = 'wasm', build, threads, memoryLimit, ...rest } = options;
    return { backend: backendOf(choice, { build, threads, memoryLimit }), reading: resolveReadOptions(rest) };
  });
  return readModel(weights, backend, reading);
}
