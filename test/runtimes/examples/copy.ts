import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../consumer.js';
import { typed } from './readme.js';

/**
 * An example as somebody who took its folder has it, with the packed package in the place of this clone.
 *
 * @param install the first command of its README
 * @returns where it is
 */
export async function copyOf(name: string, { folder, tarball }: Consumer, install = 'npm install'): Promise<string> {
  const copy = join(folder, `example-${name}`);
  const own = (path: string): boolean => !/\/(node_modules|dist|\.next)(\/|$)/.test(path.slice(ROOT.length));
  await cp(join(ROOT, 'examples', name), copy, { recursive: true, filter: own });
  const file = join(copy, 'package.json');
  const described = JSON.parse(await readFile(file, 'utf8')) as { dependencies: Record<string, string> };
  described.dependencies['vanillanet'] = `file:${tarball}`;
  await writeFile(file, JSON.stringify(described));
  await typed(install, copy);
  return copy;
}
