import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Flavor } from './flavor.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Location {
  /** Of the flavor: its package.json and lockfile. */
  readonly folder: string;
  /** Under that, what was built: whole, or not there. */
  readonly built: string;
  /** Within `built`, the package itself. */
  readonly package: string;
  /** Within `built`, what to import: package.json may name no path through node_modules. */
  readonly entry: string;
}

/** Where a flavor lies. `import('#tfjs-node')` finds it too: package.json is held to say the same. */
export function locationOf({ name }: Pick<Flavor, 'name'>, root = ROOT): Location {
  const folder = join(root, 'engines', name);
  return { folder, built: join(folder, 'built'), package: `node_modules/@tensorflow/${name}`, entry: 'index.cjs' };
}
