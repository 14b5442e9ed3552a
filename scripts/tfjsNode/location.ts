import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Flavour } from './flavour.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Location {
  /** Of the flavour: its package.json and lockfile. */
  readonly folder: string;
  /** Under that, what was built: whole, or not there. */
  readonly built: string;
  /** Within `built`, the package itself. */
  readonly package: string;
  /** Within `built`, what to import. */
  readonly entry: string;
}

/** Where a flavour lies. `import('#tfjs-node')` finds it too: package.json is held to say the same. */
export function locationOf({ name }: Pick<Flavour, 'name'>, root = ROOT): Location {
  const folder = join(root, 'engines', name);
  const module = join('node_modules', '@tensorflow', name);
  return { folder, built: join(folder, 'built'), package: module, entry: join(module, 'dist', 'index.js') };
}

/** What package.json says of it. */
export function importedPath({ specifier }: Pick<Flavour, 'specifier'>): string {
  const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    imports: Record<string, string>;
  };
  return join(ROOT, imports[specifier]);
}
