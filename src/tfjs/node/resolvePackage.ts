/** Where the npm packages of engines are installed. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** An engine is not available. */
export class MissingEngineError extends Error {
  constructor(
    reason: string,
    /** The remedy as a sentence; by default, to install the engine's package. */
    readonly hint?: string,
  ) {
    super(reason);
  }
}

/** The root of this package. */
const ROOT = dirname(createRequire(import.meta.url).resolve('vanillanet/package.json'));

/** The folder in the environment variable VANILLANET_ENGINES. */
function enginesFolder(): string | undefined {
  const folder = process.env['VANILLANET_ENGINES'] ?? '';
  return folder === '' ? undefined : resolve(folder);
}

/** The folders to resolve packages from, in this order. */
const searchFolders = (): string[] => [enginesFolder(), process.cwd(), ROOT].filter((folder) => folder !== undefined);

const requireIn = (folder: string): NodeJS.Require => createRequire(join(folder, 'package.json'));

/** Whether a package is installed, completely or in part. */
const isInstalled = (folder: string, name: string): boolean =>
  (requireIn(folder).resolve.paths(name) ?? []).some((path) => existsSync(join(path, name, 'package.json')));

/** The path of a package's main file. @throws MissingEngineError if it is not installed */
export function resolvePackage(name: string): string {
  for (const folder of searchFolders()) {
    try {
      return requireIn(folder).resolve(name);
    } catch (error) {
      // A damaged installation is reported. One that is absent may be in the next folder.
      if (isInstalled(folder, name)) throw error;
    }
  }
  throw new MissingEngineError(`${name} is not installed`);
}

/**
 * The path of an addon's main file: in VANILLANET_ENGINES if that is set, else the one that `npm run setup:tfjs-node`
 * built, else the installed package.
 */
export function resolveAddon(name: 'tfjs-node' | 'tfjs-node-gpu'): string {
  const built = join(ROOT, 'engines', name, 'built', 'index.cjs');
  return enginesFolder() === undefined && existsSync(built) ? built : resolvePackage(`@tensorflow/${name}`);
}
