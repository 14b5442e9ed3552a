import { open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ParamError, VanillaNetError } from '../core/errors.js';
import { isAlive } from './processes.js';
import { displayName } from './location.js';
import { pathOf } from './openFile.js';
import { hintOf, reasonOf } from './reason.js';
import { removeIfStopped } from './removeIfStopped.js';
import { hintIfOpen, retryIfOpen, SYSTEM, type System } from './retryIfOpen.js';

/** Counts the writes of this process, so that concurrent writes of one file have different temporary files. */
let writeCount = 0;

const temporaryOf = (target: string): string =>
  join(dirname(target), `.${basename(target)}.${process.pid}.${++writeCount}.tmp`);
const TEMPORARY = /^\..+\.(\d+)\.\d+\.tmp$/;

/** The target of a symbolic link, so that the link itself is not replaced. @throws ParamError unless it is a file */
async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => path);
  const stats = await stat(target).catch(() => null);
  // Renaming over a device would replace it: as root, `--out /dev/null` must not do that.
  if (stats !== null && !stats.isFile()) {
    const [got, hint] = stats.isDirectory()
      ? ['a folder', 'Add the name of a file to it.']
      : ['a device or pipe', 'Pass the path of a file; it is replaced as a whole.'];
    throw new ParamError({ op: path, expected: 'a file to write', got, hint });
  }
  return target;
}

/** What `atomicWrite` uses of the system; tests pass another. */
export interface WriteSystem extends System {
  readonly rename: (from: string, to: string) => Promise<void>;
}

const OWN_SYSTEM: WriteSystem = { ...SYSTEM, rename };

/** The content of a file; chunks are written as they come. */
export type FileContent = Uint8Array | string | AsyncIterable<Uint8Array>;

async function writeDurably(path: string, content: FileContent): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await writeFile(file, content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes a folder to the disk, which makes a rename in it durable. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Some systems cannot open folders; the content of the file is flushed already.
  }
}

/** Removes temporary files of killed processes from a folder; call it before this process writes there. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = TEMPORARY.exec(name);
    if (match === null) continue;
    const pid = Number(match[1]);
    // In a restarted container, an earlier process had the same number as this one.
    if (pid === process.pid || !(await isAlive(pid))) await retryIfOpen(() => rm(join(folder, name), { force: true }));
  }
}

/** The target of an input, which may be a link or a `file:` URL; as it is if it cannot be resolved. */
async function inputPath(input: string): Promise<string> {
  try {
    return await targetOf(pathOf(input));
  } catch {
    return input;
  }
}

/** The system's message for these would name the temporary file. @throws ParamError */
function checkPath(path: string): void {
  if (path !== '' && !path.includes('\0')) return;
  const got = path === '' ? 'an empty path' : 'one with a null character';
  const hint = 'Pass the path of the file to write.';
  throw new ParamError({ op: displayName(path), expected: 'a path', got, hint });
}

/**
 * Checks that a file can be written, before a long computation: its folder must exist, and the path must not be a
 * folder or one of the inputs.
 *
 * @throws ParamError
 */
export async function requireWritable(path: string, inputs: readonly string[] = []): Promise<void> {
  checkPath(path);
  const target = await targetOf(path);
  for (const input of inputs) {
    if (resolve(target) === resolve(await inputPath(input))) {
      throw new ParamError({
        op: path,
        expected: 'an output that is not an input',
        got: input,
        hint: 'Name another output file.',
      });
    }
  }
  const folder = dirname(target);
  const stats = await stat(folder).catch(() => null);
  if (stats?.isDirectory() === true) return;
  const hint = `Create it first: mkdir -p ${folder}.`;
  throw new ParamError({ op: path, expected: `a folder ${folder}`, got: stats === null ? 'none' : 'a file', hint });
}

/**
 * Writes a file atomically: into a temporary file in the same folder, which is flushed to the disk and renamed
 * over the target. Readers see the old file or the new one, never a part. On Windows, waits up to 5 seconds for
 * another program that has the target open.
 *
 * @throws ParamError if the file cannot be written; an error of the content. The old file remains
 */
export async function atomicWrite(path: string, content: FileContent, system: WriteSystem = OWN_SYSTEM): Promise<void> {
  checkPath(path);
  const target = await targetOf(path);
  const temporary = temporaryOf(target);
  const unwatch = removeIfStopped(temporary);
  const fail = (cause: unknown, hint = hintOf(cause)): never => {
    // Of what makes the content.
    if (cause instanceof VanillaNetError) throw cause;
    throw new ParamError({ op: path, expected: 'a file to write', got: reasonOf(cause), hint }, { cause });
  };
  try {
    await writeDurably(temporary, content).catch(fail);
    await retryIfOpen(() => system.rename(temporary, target), system).catch((cause: unknown) =>
      fail(cause, hintIfOpen(cause, target, system)),
    );
    await flushFolder(dirname(target));
  } catch (error) {
    // If this fails, too, the first error says more; `removeLeftovers` removes the file later.
    await retryIfOpen(() => rm(temporary, { force: true }), system).catch(() => undefined);
    throw error;
  } finally {
    unwatch();
  }
}
