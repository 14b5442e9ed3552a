import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ParamError } from '../core/errors.js';
import { isAlive } from './processes.js';
import { reasonOf } from './reason.js';
import { removeIfStopped } from './removeIfStopped.js';

/** Files written by this process: concurrent writes of one file do not share a temporary. */
let written = 0;

const temporaryOf = (target: string): string =>
  join(dirname(target), `.${basename(target)}.${process.pid}.${++written}.tmp`);
const TEMPORARY = /^\..+\.(\d+)\.\d+\.tmp$/;

/** Where a link points, so that the link stays a link. */
async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => null);
  // Renaming over a device would replace it: as root, `--out /dev/null` must not.
  if (there !== null && !there.isFile()) {
    const got = there.isDirectory() ? 'a folder' : 'a device or pipe';
    throw new ParamError({ op: path, expected: 'a file to write', got });
  }
  return target;
}

async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new name is on the disk when its folder is. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Not every system opens folders, and the file itself is safe.
  }
}

/** Removes what processes that were killed had begun to write in a folder, before this one writes there itself. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const found = TEMPORARY.exec(name);
    if (found === null) continue;
    const pid = Number(found[1]);
    // In a container, the process before us had our number.
    if (pid === process.pid || !isAlive(pid)) await rm(join(folder, name), { force: true });
  }
}

/**
 * Refuses a path that could not be written to later, before long work is done for
 * it: its folder must be there, it must not be a folder itself, nor one of the files
 * that are read.
 *
 * @throws ParamError
 */
export async function requireWritable(path: string, inputs: readonly string[] = []): Promise<void> {
  const target = await targetOf(path);
  for (const input of inputs) {
    if (resolve(target) === resolve(await targetOf(input).catch(() => input))) {
      throw new ParamError({ op: path, expected: 'an output that is not an input', got: input });
    }
  }
  const folder = dirname(target);
  const there = await stat(folder).catch(() => null);
  if (!there?.isDirectory()) throw new ParamError({ op: path, expected: `a folder ${folder}`, got: 'none' });
}

/**
 * Writes a file whole or not at all: into a temporary file in the same folder,
 * flushed to the disk, then renamed over the target. Readers see the old file or
 * the new one, never a part.
 *
 * @throws ParamError where the file cannot be written; what was there stays.
 */
export async function atomicWrite(path: string, content: Uint8Array | string): Promise<void> {
  const target = await targetOf(path);
  const temporary = temporaryOf(target);
  const unwatch = removeIfStopped(temporary);
  try {
    await writeDurably(temporary, content);
    await rename(temporary, target);
    await flushFolder(dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new ParamError({ op: path, expected: 'a file to write', got: reasonOf(cause) }, { cause });
  } finally {
    unwatch();
  }
}
