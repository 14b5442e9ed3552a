import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Flavor } from './flavor.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Location {
  /** The folder with package.json and its lockfile. */
  readonly folder: string;
  /** The build within `folder`. It is complete or does not exist. */
  readonly built: string;
  /** The npm package within `built`. */
  readonly package: string;
  /** The module to import within `built`: "imports" in package.json allows no path through node_modules. */
  readonly entry: string;
}

/** Where a flavor is built. A test holds "imports" in package.json to the same path. */
export function locationOf({ name }: Pick<Flavor, 'name'>, root = ROOT): Location {
  const folder = join(root, 'engines', name);
  return { folder, built: join(folder, 'built'), package: `node_modules/@tensorflow/${name}`, entry: 'index.cjs' };
}
