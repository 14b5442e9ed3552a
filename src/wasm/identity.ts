import { identity } from '#wasm/identity';
import { BackendUnavailableError } from '../core/errors.js';
import { SECTION, type CompiledModule } from './module.js';

interface Sections {
  readonly Module: { customSections(module: CompiledModule, name: string): ArrayBuffer[] };
}

/**
 * Checks that a module is of this version of the package. The package writes records that the module reads, so that a
 * module of another version would compute noise.
 *
 * @throws BackendUnavailableError naming both versions
 */
export function checkIdentity(module: CompiledModule): void {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Sections };
  const refuse = (got: string): never => {
    throw new BackendUnavailableError({
      op: 'wasm',
      expected: `the module of vanillanet ${identity}`,
      got,
      hint: 'Deploy the .wasm file of the same version of the package.',
    });
  };
  let sections: ArrayBuffer[];
  try {
    sections = WebAssembly.Module.customSections(module, SECTION);
  } catch {
    return refuse('a value that is not a WebAssembly.Module');
  }
  if (sections.length !== 1) return refuse('another module');
  const version = new TextDecoder().decode(sections[0]);
  if (version !== identity) return refuse(`that of ${version}`);
}
