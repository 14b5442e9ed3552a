import { checkSignal } from '../core/abort.js';
import { checkKeys, show } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { cancelOnError } from '../io/cancelSource.js';
import type { WeightsSource } from '../io/weightsSource.js';
import { cancelModule, ModuleLoader } from '../wasm/moduleLoader.js';
import type { WasmSource } from '../wasm/module.js';
import { checkMemoryLimit, wasmBackendOn } from '../wasm/inference/session.js';
import type { Model } from './model.js';
import { READ_KEYS, readModel, resolveReadOptions, type ReadOptions } from './readModel.js';

export interface LoadModelWithModuleOptions extends ReadOptions {
  /** This package's plain.wasm or relaxed.wasm: the module, its bytes, a `Response`, or a promise of one. */
  readonly wasm: WasmSource | Promise<WasmSource>;
  /** Maximum of linear memory in bytes; by default the limit of 32-bit addresses. */
  readonly memoryLimit?: number | undefined;
}

const KEYS: readonly (keyof LoadModelWithModuleOptions)[] = [...READ_KEYS, 'wasm', 'memoryLimit'];

/** @throws ParamError */
function createLoader(
  wasm: LoadModelWithModuleOptions['wasm'] | undefined,
  { timeout, signal }: ReadOptions,
): ModuleLoader {
  // A caller without types may pass anything.
  const value: unknown = wasm;
  if (wasm !== undefined && typeof value === 'object' && value !== null)
    return new ModuleLoader(wasm, timeout, checkSignal('signal', signal));
  throw new ParamError({
    op: 'wasm',
    expected: 'a WebAssembly module, its bytes, or a Response',
    got: show(wasm),
    hint: "Import the module from 'vanillanet/plain.wasm' and pass it as { wasm }.",
  });
}

/**
 * Loads a model as `loadModel` of the main entry, on a WebAssembly module that the caller passes: for runtimes
 * that forbid compilation, and for bundles with one build only.
 *
 *     import wasm from 'vanillanet/plain.wasm';
 *     const model = await loadModel(await env.BUCKET.get('net.safetensors'), { wasm });
 *
 * @throws ParamError, WeightsError, ShapeError as `loadModel` of the main entry
 * @throws BackendUnavailableError if the module cannot be compiled or is of another version of this package
 */
export async function loadModelWithModule(weights: WeightsSource, options: LoadModelWithModuleOptions): Promise<Model> {
  // A caller without types may omit the options.
  const { wasm, memoryLimit = Infinity, ...rest } = (options as Partial<LoadModelWithModuleOptions> | undefined) ?? {};
  try {
    const { backend, reading } = cancelOnError(weights, () => {
      checkKeys({ ...options }, KEYS, (key) => key);
      checkMemoryLimit(memoryLimit);
      return {
        backend: wasmBackendOn(createLoader(wasm, rest), memoryLimit),
        reading: resolveReadOptions(rest),
      };
    });
    return await readModel(weights, backend, reading);
  } catch (error) {
    cancelModule(wasm);
    throw error;
  }
}
