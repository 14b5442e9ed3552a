import { plain, relaxed } from '#wasm/builds';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { validates, type Build, type WasmSource } from './module.js';

export type { Build };

/** A build, or the fastest that runs here. */
export type BuildChoice = Build | 'auto';

const CHOICES: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

/**
 * What a choice means here.
 *
 * @throws ParamError for what is none, BackendUnavailableError where `relaxed` is asked for and does not run.
 */
export function buildOf(choice: BuildChoice): Build {
  // A caller without types may ask for something else.
  const given: unknown = choice;
  if (!CHOICES.some((each) => each === given)) {
    throw new ParamError({ op: 'build', expected: CHOICES.join(', '), got: String(given) });
  }
  if (choice === 'plain') return 'plain';
  if (validates(relaxed)) return 'relaxed';
  if (choice === 'auto') return 'plain';
  throw new BackendUnavailableError({
    op: 'wasm',
    expected: 'a runtime with relaxed SIMD',
    got: "one without; the build 'plain' needs none",
  });
}

/** A build for one thread. */
export const sourceOf = (build: Build): WasmSource => (build === 'plain' ? plain : relaxed);

/** The bytes of a build for several, which share their memory: loaded only where they are asked for. */
export async function threadedBytesOf(build: Build): Promise<Uint8Array> {
  const { bytes } = await (build === 'plain' ? import('#wasm/plain-threads') : import('#wasm/relaxed-threads'));
  return bytes;
}
