import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../consumer.js';
import { runCommand } from './readme.js';

/**
 * Copies an example out of the repository and installs it, with the packed package instead of the repository.
 *
 * @param install the first command of its README
 * @returns the folder of the copy
 */
export async function copyOf(name: string, { folder, tarball }: Consumer, install = 'npm install'): Promise<string> {
  const copy = join(folder, `example-${name}`);
  const isSource = (path: string): boolean => !/\/(node_modules|dist|\.next)(\/|$)/.test(path.slice(ROOT.length));
  await cp(join(ROOT, 'examples', name), copy, { recursive: true, filter: isSource });
  const file = join(copy, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { dependencies: Record<string, string> };
  manifest.dependencies['vanillanet'] = `file:${tarball}`;
  await writeFile(file, JSON.stringify(manifest));
  await runCommand(install, copy);
  return copy;
}
