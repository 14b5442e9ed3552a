import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Flavor } from './flavor.js';
import { npm } from './packages.js';
import { LackError, SetupError } from './setupError.js';

/** The host from which the package's install script downloads, unless one of these variables is set. */
const HOST = 'https://storage.googleapis.com/';
const MIRROR_VARIABLES = ['TFJS_NODE_BASE_URI', 'TFJS_NODE_CDN_STORAGE', 'CDN_STORAGE', 'HTTPS_PROXY', 'https_proxy'];
/** Milliseconds for the host to answer. */
const HOST_TIMEOUT = 5000;
/** Milliseconds for a download of several hundred megabytes on a slow line. */
const INSTALL_TIMEOUT = 30 * 60_000;

/** Fails early if a host is out of reach: the install script itself would retry for minutes. @throws LackError */
export async function requireHost(host = HOST): Promise<void> {
  try {
    await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(HOST_TIMEOUT) });
  } catch (error) {
    const { cause, message } = error as Error;
    const got = cause instanceof Error ? cause.message : message;
    const hint = 'Pass --libtensorflow, or set TFJS_NODE_BASE_URI to a mirror.';
    throw new LackError({ op: host, expected: 'an answer', got, hint }, { cause: error });
  }
}

/** Whether a mirror or proxy is configured. Only the install script can tell whether it is in reach. */
export const usesMirror = (env: NodeJS.ProcessEnv): boolean =>
  MIRROR_VARIABLES.some((name) => (env[name] ?? '') !== '');

/** Runs the package's own install script, which downloads libtensorflow and the addon. @throws SetupError */
export async function installOrdinarily({ name }: Flavor, into: string, packageFolder: string): Promise<void> {
  if (!usesMirror(process.env)) await requireHost();
  await npm(['rebuild', `@tensorflow/${name}`], into, INSTALL_TIMEOUT);
  // The script may exit with status 0 although its download was interrupted.
  const addon = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (existsSync(addon)) return;
  const hint = 'Pass --libtensorflow.';
  throw new SetupError({ op: `@tensorflow/${name}`, expected: 'an addon after its install', got: 'none', hint });
}

/** Removes the files of an install that failed. */
export async function removeOrdinary(packageFolder: string): Promise<void> {
  for (const name of ['deps', 'lib', 'build']) await rm(join(packageFolder, name), { recursive: true, force: true });
}
