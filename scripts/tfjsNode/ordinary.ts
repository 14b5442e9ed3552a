import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Flavor } from './flavor.js';
import { npm } from './packages.js';
import { LackError, SetupError } from './setupError.js';

/** Where the package's install script downloads from, unless its user says otherwise. */
const HOST = 'https://storage.googleapis.com/';
const ELSEWHERE = ['TFJS_NODE_BASE_URI', 'TFJS_NODE_CDN_STORAGE', 'CDN_STORAGE', 'HTTPS_PROXY', 'https_proxy'];
const PATIENCE = 5000;
/** A download of some hundred megabytes on a slow line. */
const LONGEST = 30 * 60_000;

/** Says quickly that a host is out of reach: the install script itself would try for long. */
export async function requireReach(host = HOST): Promise<void> {
  try {
    await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    const { cause, message } = error as Error;
    const got = cause instanceof Error ? cause.message : message;
    const remedy = 'Pass --libtensorflow, or name a mirror in TFJS_NODE_BASE_URI';
    throw new LackError({ op: host, expected: 'to be in reach', got, remedy }, { cause: error });
  }
}

/** Whether a mirror or proxy is in use, of which only the install script knows whether it is in reach. */
export const isElsewhere = (env: NodeJS.ProcessEnv): boolean => ELSEWHERE.some((name) => (env[name] ?? '') !== '');

/** The package's ordinary install: its libtensorflow and its addon, downloaded. */
export async function installOrdinarily({ name }: Flavor, into: string, packageFolder: string): Promise<void> {
  if (!isElsewhere(process.env)) await requireReach();
  await npm(['rebuild', `@tensorflow/${name}`], into, LONGEST);
  // The script of a download that broke off may end as if all were well.
  const addon = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (existsSync(addon)) return;
  const remedy = 'Pass --libtensorflow';
  throw new SetupError({ op: `@tensorflow/${name}`, expected: 'its install to bring an addon', got: 'none', remedy });
}

/** Takes away what an install has brought that is of no use. */
export async function removeOrdinary(packageFolder: string): Promise<void> {
  for (const half of ['deps', 'lib', 'build']) await rm(join(packageFolder, half), { recursive: true, force: true });
}
