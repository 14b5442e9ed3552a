import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../core/errors.js';
import { isAlive } from './processes.js';
import { reasonOf } from './reason.js';

/** Milliseconds in which a file that was just made gets its content. */
const WRITTEN = 100;

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** Makes the file, with our number in it. @returns whether there was none */
async function made(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw new ParamError({ op: path, expected: 'a file to write', got: reasonOf(cause) }, { cause });
  }
}

const contentOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** Who has the lock, as the file says; one whose process ended, be it by a power cut, may say nothing. */
async function heldBy(path: string): Promise<string> {
  const text = await contentOf(path);
  if (text !== '') return text;
  await setTimeout(WRITTEN);
  return contentOf(path);
}

/** Takes a lock away whose process is gone. @returns whether it was that one, and not another's who was faster */
async function removed(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return true;
    throw new ParamError({ op: path, expected: 'a file to remove', got: reasonOf(cause) }, { cause });
  }
  if ((await contentOf(aside)) !== text) {
    await rename(aside, path);
    return false;
  }
  await rm(aside, { force: true });
  return true;
}

/**
 * Makes a file that says which process is at work where it lies; one of a process that is gone is taken over.
 *
 * @param what is done there, in words
 * @returns what removes it
 * @throws ParamError where another process has it, or no file can be made
 */
export async function lock(path: string, what: string): Promise<() => Promise<void>> {
  const busy = (text: string): ParamError =>
    new ParamError({
      op: path,
      expected: `nobody else who ${what}`,
      got: `process ${text.trim()}; if that does something else, remove this file`,
    });
  for (;;) {
    if (await made(path)) return () => rm(path, { force: true });
    const text = await heldBy(path);
    const pid = Number(text);
    // Our own number is that of a process before us: in a container, they are all alike.
    if (Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) throw busy(text);
    if (!(await removed(path, text))) throw busy(await contentOf(path));
  }
}
