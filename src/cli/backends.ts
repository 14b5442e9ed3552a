import { Option } from 'commander';
import type { Backend } from '../core/backend.js';
import { referenceBackend } from '../oracle/backend.js';
import { wasmBackend } from '../wasm/backend.js';

const BACKENDS = [wasmBackend, referenceBackend];

export const backendNames = BACKENDS.map(({ name }) => name);

/** `--backend NAME`; WebAssembly where it is not given. */
export const backendOption = (): Option =>
  new Option('-b, --backend <name>', 'what computes the network').choices(backendNames).default(wasmBackend.name);

export function backendOf(name: string): Backend {
  const found = BACKENDS.find((backend) => backend.name === name);
  if (found === undefined) throw new Error(`no backend ${name} behind its option`);
  return found;
}
