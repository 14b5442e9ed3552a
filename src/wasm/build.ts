import { bytes as plain } from '#wasm/plain';
import { bytes as relaxed } from '#wasm/relaxed';
import { BackendUnavailableError } from '../core/errors.js';
import { validates } from './module.js';

/**
 * The two modules made of assembly/: `plain` gives the same bits on every machine;
 * `relaxed` fuses multiply and add where the machine can, which is faster, rounds
 * once instead of twice, and needs a newer runtime.
 */
export type Build = 'plain' | 'relaxed';

/** A build, or the fastest that runs here. */
export type BuildChoice = Build | 'auto';

/**
 * The bytes of a build.
 *
 * @throws BackendUnavailableError where `relaxed` is asked for and does not run.
 */
export function bytesOf(choice: BuildChoice): Uint8Array {
  if (choice === 'plain') return plain;
  if (validates(relaxed)) return relaxed;
  if (choice === 'auto') return plain;
  throw new BackendUnavailableError({
    op: 'wasm',
    expected: 'a runtime with relaxed SIMD',
    got: "one without; the build 'plain' needs none",
  });
}
