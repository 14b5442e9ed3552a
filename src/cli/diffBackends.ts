import type { Backend } from '../core/backend.js';
import { ParamError } from '../core/errors.js';
import { referenceBackend } from '../oracle/backend.js';
import { createWasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { engineOf, openTfjs } from './backends.js';

/** A backend that has the name it was asked for by: two builds of one are two. */
const wasm = (name: string, build: BuildChoice): Backend => ({ ...createWasmBackend({ build }), name });

/** What `--backends` may name beside dumps. */
const BACKENDS: Readonly<Record<string, (name: string, build: BuildChoice) => Backend | Promise<Backend>>> = {
  [referenceBackend.name]: () => referenceBackend,
  wasm,
  'wasm:plain': (name) => wasm(name, 'plain'),
  'wasm:relaxed': (name) => wasm(name, 'relaxed'),
};

/**
 * @param build of what does not say which
 * @throws ParamError for a name that is none, BackendUnavailableError where this machine does not have it
 */
export async function openBackend(name: string, build: BuildChoice): Promise<Backend> {
  if (Object.hasOwn(BACKENDS, name)) return BACKENDS[name](name, build);
  const engine = engineOf(name);
  if (engine !== null) return openTfjs(engine);
  const expected = `${Object.keys(BACKENDS).join(', ')}, tfjs, tfjs:<engine>, or a dump that ends in .safetensors`;
  throw new ParamError({ op: '--backends', expected, got: name });
}
