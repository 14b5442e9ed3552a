import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../core/errors.js';
import { isAlive, startOf } from './processes.js';
import { reasonOf } from './reason.js';
import { removeIfStopped } from './removeIfStopped.js';

/** Milliseconds in which a file that was just made gets its content. */
const WRITTEN = 100;

/** Milliseconds between two signs of life, which are the file's time; after so many without one, another machine's is gone. */
const [BEAT, LOST] = [30_000, 600_000];

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** Number, start and host of a process, as the file has them; a number alone in those from before hosts were written. */
const HOLDER = /^([1-9]\d*)(?: (\d+|-) (.*))?\n?$/;

/** Makes the file, and says who we are. @returns what it says; null where there was one */
async function made(path: string): Promise<string | null> {
  try {
    const start = (await startOf(process.pid)) ?? '-';
    const text = `${process.pid} ${start} ${hostname()}\n`;
    await writeFile(path, text, { flag: 'wx' });
    return text;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return null;
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

/** Seconds since the last sign of life. */
async function silence(path: string): Promise<number> {
  const file = await stat(path).catch(() => null);
  return file === null ? Infinity : Math.max(0, Date.now() - file.mtimeMs) / 1000;
}

/** Who is there still, or may be, as far as can be told from here: in words, or null. */
async function holderIn(path: string, text: string): Promise<string | null> {
  const found: readonly (string | undefined)[] = HOLDER.exec(text) ?? [];
  const [, pid, start, host] = found;
  if (pid === undefined) return null;
  const number = Number(pid);
  // Not even our own number: in containers, they are all alike.
  if (host !== undefined && host !== hostname()) {
    const seconds = await silence(path);
    if (seconds * 1000 > LOST) return null;
    return `process ${pid} on ${host}, there ${Math.round(seconds)} s ago; if that is gone`;
  }
  // Without a host it was of a process before us, in a container that was begun anew.
  if (!isAlive(number) || (host === undefined && number === process.pid)) return null;
  const now = await startOf(number);
  const isOther = now !== null && start !== undefined && start !== '-' && start !== now;
  return isOther ? null : `process ${pid}; if that does something else`;
}

/** Takes a lock away whose process is gone; another's stays, who was faster. */
async function remove(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    throw new ParamError({ op: path, expected: 'a file to remove', got: reasonOf(cause) }, { cause });
  }
  if ((await contentOf(aside)) === text) await rm(aside, { force: true });
  else await rename(aside, path);
}

/** Gives signs of life until what is returned is called; another's file, which took this one's place, is let alone. */
function kept(path: string, own: string): () => Promise<void> {
  const ifOurs = async (act: () => Promise<void>): Promise<void> => {
    // Where nothing can be done about it, others find our process gone.
    if ((await contentOf(path)) === own) await act().catch(() => undefined);
  };
  const beat = setInterval(() => {
    const now = new Date();
    void ifOurs(() => utimes(path, now, now));
  }, BEAT).unref();
  const unwatch = removeIfStopped(path);
  return () => {
    clearInterval(beat);
    unwatch();
    return ifOurs(() => rm(path, { force: true }));
  };
}

/**
 * Makes a file that says which process is at work where it lies; one of a process that is gone is taken over. Of
 * another machine or container that is told by the file's time, which whoever is there renews; their clocks are to
 * agree to some minutes.
 *
 * @param what is done there, in words
 * @returns what removes it
 * @throws ParamError where another process has it, or no file can be made
 */
export async function lock(path: string, what: string): Promise<() => Promise<void>> {
  for (;;) {
    const own = await made(path);
    if (own !== null) return kept(path, own);
    const text = await heldBy(path);
    const holder = await holderIn(path, text);
    if (holder !== null) {
      throw new ParamError({ op: path, expected: `nobody else who ${what}`, got: `${holder}, remove this file` });
    }
    await remove(path, text);
  }
}
