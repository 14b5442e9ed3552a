import { BackendUnavailableError } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';

/** The package is optional: it is loaded at the first decode, so that everything else runs without it. */
const importSharp = async () => (await import('sharp')).default;

type Sharp = Awaited<ReturnType<typeof importSharp>>;

/** Node's code is ERR_MODULE_NOT_FOUND, that of loaders for CommonJS MODULE_NOT_FOUND. */
const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));

let loading: Promise<Sharp> | null = null;

/**
 * Loads the package that decodes images. Call it to fail before other work starts.
 *
 * @param op the file or function that needs the package, for errors
 * @throws BackendUnavailableError if the package is not installed, or not for this platform
 */
export async function loadSharp(op: string): Promise<Sharp> {
  loading ??= importSharp();
  try {
    return await loading;
  } catch (cause) {
    loading = null;
    const got = isNotFound(cause) ? 'none installed' : reasonOf(cause).trim().split('\n')[0];
    const hint = 'Install it beside vanillanet: npm install sharp.';
    throw new BackendUnavailableError(
      { op, expected: 'the package sharp, which decodes images', got, hint },
      { cause },
    );
  }
}
