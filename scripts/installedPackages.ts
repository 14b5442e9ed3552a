/** What `npm install` put into a folder. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface InstalledPackage {
  readonly name: string;
  readonly bytes: number;
}

/** The total size of the files in a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The packages in `node_modules` of a folder, by npm's own list of them. */
export async function installedPackages(folder: string): Promise<InstalledPackage[]> {
  const list = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8');
  const { packages } = JSON.parse(list) as { readonly packages: Readonly<Record<string, unknown>> };
  return Promise.all(
    Object.keys(packages)
      .sort()
      .map(async (path) => ({ name: path.replace(/^.*node_modules\//, ''), bytes: await bytesIn(join(folder, path)) })),
  );
}
