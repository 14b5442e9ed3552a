/** Where the packages of engines lie. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** Why an engine is not there, and what would change that where it is not the package's installation. */
export class Missing extends Error {
  constructor(
    reason: string,
    readonly remedy?: string,
  ) {
    super(reason);
  }
}

/** The package's own folder. */
const HOME = dirname(createRequire(import.meta.url).resolve('vanillanet/package.json'));

/** A folder that the user has named. */
function named(): string | undefined {
  const given = process.env['VANILLANET_ENGINES'] ?? '';
  return given === '' ? undefined : resolve(given);
}

/** Folders whose packages count: one that is named, the one we are in, and our own. */
const folders = (): string[] => [named(), process.cwd(), HOME].filter((path) => path !== undefined);

const requireIn = (folder: string): NodeJS.Require => createRequire(join(folder, 'package.json'));

/** Whether a package lies there, whole or not. */
const lies = (folder: string, name: string): boolean =>
  (requireIn(folder).resolve.paths(name) ?? []).some((path) => existsSync(join(path, name, 'package.json')));

/** Where a package is, from one of the folders. @throws Missing */
export function find(name: string): string {
  for (const folder of folders()) {
    try {
      return requireIn(folder).resolve(name);
    } catch (error) {
      // Not there, perhaps in the next; but one that lies there in parts is to be told.
      if (lies(folder, name)) throw error;
    }
  }
  throw new Missing(`${name} is not installed`);
}

/** Where a package of Node is: a folder that is named comes before what `npm run setup:tfjs-node` has built and checked. */
export function findAddon(name: 'tfjs-node' | 'tfjs-node-gpu'): string {
  const built = join(HOME, 'engines', name, 'built', 'index.cjs');
  return named() === undefined && existsSync(built) ? built : find(`@tensorflow/${name}`);
}
