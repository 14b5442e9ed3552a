import type { Backend } from '../core/backend.js';
import { ParamError } from '../core/errors.js';
import { referenceBackend } from '../oracle/backend.js';
import { createWasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { engineOf, openTfjs } from './backends.js';

/** A WebAssembly backend under the name of the option, because two builds may be compared. */
const wasm = (name: string, build: BuildChoice): Backend => ({ ...createWasmBackend({ build }), name });

/** Backends by the names that `--backends` takes. */
const BACKENDS: Readonly<Record<string, (name: string, build: BuildChoice) => Backend | Promise<Backend>>> = {
  [referenceBackend.name]: () => referenceBackend,
  wasm,
  'wasm:plain': (name) => wasm(name, 'plain'),
  'wasm:relaxed': (name) => wasm(name, 'relaxed'),
};

/**
 * @param build the build of `wasm`
 * @throws ParamError for an unknown name
 * @throws BackendUnavailableError if this machine does not have the backend
 */
export async function openDiffBackend(name: string, build: BuildChoice): Promise<Backend> {
  if (Object.hasOwn(BACKENDS, name)) return BACKENDS[name](name, build);
  const engine = engineOf(name);
  if (engine !== null) return openTfjs(engine);
  const expected = `${Object.keys(BACKENDS).join(', ')}, tfjs, tfjs:<engine>, or a dump that ends in .safetensors`;
  throw new ParamError({ op: '--backends', expected, got: name });
}
