import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ParamError } from '../core/errors.js';
import { reasonOf } from './readFile.js';

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

/**
 * Refuses a path that could not be written to later, before long work is done for
 * it: its folder must be there, and it must not be a folder itself.
 *
 * @throws ParamError
 */
export async function requireWritable(path: string): Promise<void> {
  const folder = dirname(await targetOf(path));
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
  const temporary = join(dirname(target), `.${randomUUID()}.tmp`);
  try {
    await writeDurably(temporary, content);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new ParamError({ op: path, expected: 'a file to write', got: reasonOf(cause) }, { cause });
  }
}
