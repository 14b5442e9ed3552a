import { ParamError } from '../core/errors.js';
import { validateOrCancel } from '../io/cancelSource.js';
import type { WeightsSource } from '../io/source.js';
import { GivenModule } from '../wasm/givenModule.js';
import type { WasmSource } from '../wasm/module.js';
import { checkMemoryLimit, wasmBackendOn } from '../wasm/inference/session.js';
import type { Model } from './model.js';
import { readModel, type ReadOptions } from './readModel.js';

export interface LoadModelWithModuleOptions extends ReadOptions {
  /** This package's plain.wasm or relaxed.wasm: the module, its bytes, a `Response`, or a promise of one. */
  readonly wasm: WasmSource | Promise<WasmSource>;
  /** Bytes of linear memory that a network may need; without one, what 32-bit addresses reach. */
  readonly memoryLimit?: number | undefined;
}

function givenModule(wasm: LoadModelWithModuleOptions['wasm'] | undefined, timeout: number | undefined): GivenModule {
  const given: unknown = wasm;
  if (wasm !== undefined && typeof given === 'object' && given !== null) return new GivenModule(wasm, timeout);
  const got = given === null ? 'null' : typeof given;
  throw new ParamError({ op: 'wasm', expected: 'a WebAssembly module, its bytes, or a Response', got });
}

/**
 * A model from a safetensors file, wherever it is, on a WebAssembly module of one's own: for
 * runtimes that compile nothing themselves, and bundles that shall carry one build and no other.
 *
 *     import wasm from 'vanillanet/plain.wasm';
 *     const model = await loadModel(await env.BUCKET.get('net.safetensors'), { wasm });
 *
 * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError for a module of another version too
 */
export async function loadModelWithModule(weights: WeightsSource, options: LoadModelWithModuleOptions): Promise<Model> {
  // A caller without types may forget it, and all of them.
  const given = options as LoadModelWithModuleOptions | undefined;
  const { wasm, memoryLimit = Infinity, ...read }: Partial<LoadModelWithModuleOptions> = given ?? {};
  const module = validateOrCancel(weights, () => givenModule(wasm, read.timeout));
  const check = (): void => {
    checkMemoryLimit(memoryLimit);
  };
  try {
    return await readModel(weights, wasmBackendOn(module, memoryLimit), check, read);
  } catch (error) {
    module.letGo();
    throw error;
  }
}
