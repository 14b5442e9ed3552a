import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareEntries, reportLines } from './compare.js';
import type { GoldenSet } from './sets.js';

export interface UpdateOptions {
  readonly python: string;
  /** Whether files that differ are replaced. */
  readonly write: boolean;
}

/** Copies all files but the generator's own. */
async function copyFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { recursive: true })) {
    const isFile = (await stat(join(from, name))).isFile();
    if (isFile && !name.endsWith('.py')) await copyFile(join(from, name), join(to, name));
  }
}

/**
 * Computes a set of recorded values anew in a temporary folder and logs every difference.
 *
 * @returns how many entries differ
 */
export async function updateSet(
  name: string,
  { folder, read, generate }: GoldenSet,
  { python, write }: UpdateOptions,
  log: (line: string) => void,
): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'vanillanet-goldens-'));
  try {
    await generate(scratch, python);
    const after = await read(scratch);
    const differences = compareEntries(await read(folder), after);
    for (const line of reportLines(name, after.size, differences)) log(line);
    if (write && differences.length > 0) {
      await copyFiles(scratch, folder);
      log(`${name}: written to ${folder}`);
    }
    return differences.length;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
