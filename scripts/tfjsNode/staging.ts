import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const PREFIX = 'building-';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Removes what runs left that were killed. */
async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number.parseInt(name.slice(PREFIX.length));
    if (name.startsWith(PREFIX) && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Makes a folder as a whole or not at all: `make` fills another, which takes the place
 * and name of the old one when it is done.
 */
export async function staged(folder: string, name: string, make: (inside: string) => Promise<void>): Promise<void> {
  await clear(folder);
  const inside = join(folder, `${PREFIX}${process.pid}`);
  const old = `${inside}-old`;
  const place = join(folder, name);
  try {
    await mkdir(inside);
    await make(inside);
    if (existsSync(place)) await rename(place, old);
    await rename(inside, place);
  } finally {
    for (const left of [inside, old]) await rm(left, { recursive: true, force: true });
  }
}
