import { identity } from '#wasm/identity';
import { BackendUnavailableError } from '../core/errors.js';
import { SECTION, type CompiledModule } from './module.js';

interface Sections {
  readonly Module: { customSections(module: CompiledModule, name: string): ArrayBuffer[] };
}

/**
 * Holds a module against this package: their memory is laid out by one and read by the
 * other, so that two versions would answer with noise.
 *
 * @throws BackendUnavailableError naming both
 */
export function checkIdentity(module: CompiledModule): void {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Sections };
  const refuse = (got: string): never => {
    throw new BackendUnavailableError({ op: 'wasm', expected: `the module of vanillanet ${identity}`, got });
  };
  let sections: ArrayBuffer[];
  try {
    sections = WebAssembly.Module.customSections(module, SECTION);
  } catch {
    return refuse('what is no WebAssembly.Module');
  }
  if (sections.length !== 1) return refuse('another module');
  const found = new TextDecoder().decode(sections[0]);
  if (found !== identity) return refuse(`that of ${found}`);
}
