import { checkOneOf } from '../core/check.js';
import { BackendUnavailableError } from '../core/errors.js';
import { validates, type Build, type WasmSource } from './module.js';

export type { Build };

/** A build, or `auto`: the relaxed build if the runtime has relaxed SIMD, else the plain build. */
export type BuildChoice = Build | 'auto';

const CHOICES: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

/** A caller without types may pass any value. @throws ParamError */
export const checkBuild = (choice: unknown): BuildChoice => checkOneOf('build', choice, CHOICES);

/**
 * Resolves a choice of build.
 *
 * @param relaxed the relaxed build of the module that will run
 * @throws ParamError for an unknown choice
 * @throws BackendUnavailableError if `relaxed` is chosen and the runtime does not have relaxed SIMD
 */
export function resolveBuild(choice: BuildChoice, relaxed: WasmSource): Build {
  checkBuild(choice);
  if (choice === 'plain') return 'plain';
  if (validates(relaxed)) return 'relaxed';
  if (choice === 'auto') return 'plain';
  throw new BackendUnavailableError({
    op: 'wasm',
    expected: 'a runtime with relaxed SIMD',
    got: 'a runtime without relaxed SIMD',
    hint: "Choose the build 'plain' or 'auto'.",
  });
}
