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

/** Removes the folders of runs that were killed. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number.parseInt(name.slice(PREFIX.length));
    if (name.startsWith(PREFIX) && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Creates a folder completely or not at all: `make` fills a temporary folder, which is renamed when it is done and
 * replaces the old one.
 */
export async function staged(folder: string, name: string, make: (inside: string) => Promise<void>): Promise<void> {
  await removeAbandoned(folder);
  const inside = join(folder, `${PREFIX}${process.pid}`);
  const old = `${inside}-old`;
  const place = join(folder, name);
  try {
    await mkdir(inside);
    await make(inside);
    if (existsSync(place)) await rename(place, old);
    await rename(inside, place);
  } finally {
    for (const path of [inside, old]) await rm(path, { recursive: true, force: true });
  }
}
