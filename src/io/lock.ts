import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ParamError } from '../core/errors.js';
import { isAlive, processScope, startOf } from './processes.js';
import { hintOf, reasonOf } from './reason.js';
import { removeIfStopped } from './removeIfStopped.js';
import { hintIfOpen, retryIfOpen } from './retryIfOpen.js';

/** Milliseconds after which a new file must have its content. */
const WRITE_TIME = 100;

/** Milliseconds between two heartbeats, updates of the file's time; and without one until another machine counts as gone. */
const [BEAT, EXPIRY] = [30_000, 600_000];

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/**
 * Number, start time, scope and host of the owner. Files of earlier versions have no scope, and still earlier ones only
 * the number.
 */
const OWNER = /^([1-9]\d*)(?: (\d+|-)(?: ([\da-f-]+\/\d*))? (.*))?\n?$/;

/** Creates the file for this process. @returns its content; null if the file exists */
async function create(path: string): Promise<string | null> {
  const start = (await startOf(process.pid)) ?? '-';
  const scope = await processScope();
  const text = `${process.pid} ${start} ${scope === null ? '' : `${scope} `}${hostname()}\n`;
  try {
    await writeFile(path, text, { flag: 'wx' });
    return text;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return null;
    // On a full disk the file exists, but is empty.
    if ((await contentOf(path)) === '') await rm(path, { force: true }).catch(() => undefined);
    throw new ParamError(
      { op: path, expected: 'a file to write', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  }
}

const contentOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** The content of the file; empty if its process ended before it wrote, for example by a power failure. */
async function readOwner(path: string): Promise<string> {
  const text = await contentOf(path);
  if (text !== '') return text;
  await setTimeout(WRITE_TIME);
  return contentOf(path);
}

/** Seconds since the last heartbeat. */
async function secondsSinceBeat(path: string): Promise<number> {
  const file = await stat(path).catch(() => null);
  return file === null ? Infinity : Math.max(0, Date.now() - file.mtimeMs) / 1000;
}

interface LivingOwner {
  readonly owner: string;
  /** When the file may be removed by hand. */
  readonly condition: string;
}

/** Where an owner runs: its number can be looked up here, was used before the last boot, or means nothing here. */
export type Place = 'here' | 'before this boot' | 'elsewhere';

/** @param scope, host those of the owner; undefined in files of earlier versions */
export function placeOf(scope: string | undefined, host: string | undefined, ownScope: string | null): Place {
  if (host !== undefined && host !== hostname()) return 'elsewhere';
  if (scope === undefined || ownScope === null || scope === ownScope) return 'here';
  const bootOf = (text: string): string => text.split('/')[0];
  return bootOf(scope) === bootOf(ownScope) ? 'elsewhere' : 'before this boot';
}

/**
 * Milliseconds without a heartbeat until an owner counts as gone.
 *
 * @param upSeconds since the start of this machine: another one with the same name would have sent a heartbeat since then
 */
export const expiryOf = (place: Place, upSeconds: number): number =>
  place === 'before this boot' ? Math.min(EXPIRY, 1000 * upSeconds) : EXPIRY;

/** The owner and how to be sure that it is gone, in words; null if it is gone. */
async function livingOwner(path: string, text: string): Promise<LivingOwner | null> {
  const match: readonly (string | undefined)[] = OWNER.exec(text) ?? [];
  const [, pid, start, scope, host] = match;
  if (pid === undefined) return null;
  const number = Number(pid);
  const place = placeOf(scope, host, await processScope());
  // Numbers of processes on other hosts and in other containers mean nothing here, not even this process's own.
  if (place !== 'here') {
    const seconds = await secondsSinceBeat(path);
    if (seconds * 1000 > expiryOf(place, uptime())) return null;
    const where = host === hostname() ? 'in another container or on another machine of the same name' : `on ${host}`;
    return {
      owner: `process ${pid} ${where}, active ${Math.round(seconds)} s ago`,
      condition: 'that process has ended',
    };
  }
  // An older file with this process's number: from before a container was restarted.
  if (!(await isAlive(number)) || (host === undefined && number === process.pid)) return null;
  const now = await startOf(number);
  const isOther = now !== null && start !== undefined && start !== '-' && start !== now;
  return isOther ? null : { owner: `process ${pid}`, condition: 'that process does something else' };
}

/** Removes a stale lock, unless another process has replaced it meanwhile. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await retryIfOpen(() => rename(path, aside));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    const hint = hintIfOpen(cause, path);
    throw new ParamError({ op: path, expected: 'a file to remove', got: reasonOf(cause), hint }, { cause });
  }
  if ((await contentOf(aside)) === text) await retryIfOpen(() => rm(aside, { force: true }));
  else await retryIfOpen(() => rename(aside, path));
}

/** A lock of this process. Called, it removes the file, unless the file has another owner by now. */
export interface Lock {
  (): Promise<void>;
  /** Whose file it is now: this process's, another's, or none if it was removed. */
  owner(): Promise<'self' | 'other' | 'none'>;
}

/** Sends heartbeats until the lock is released. A file of another owner is not touched. */
function keepAlive(path: string, own: string): Lock {
  const ifOurs = async (act: () => Promise<void>): Promise<void> => {
    // Errors are ignored: if the lock remains, others find that this process is gone.
    if ((await contentOf(path)) === own) await act().catch(() => undefined);
  };
  const beat = setInterval(() => {
    const now = new Date();
    void ifOurs(() => utimes(path, now, now));
  }, BEAT).unref();
  const unwatch = removeIfStopped(path);
  const release = (): Promise<void> => {
    clearInterval(beat);
    unwatch();
    return ifOurs(() => retryIfOpen(() => rm(path, { force: true })));
  };
  const owner = async (): ReturnType<Lock['owner']> => {
    try {
      return (await readFile(path, 'utf8')) === own ? 'self' : 'other';
    } catch (cause) {
      // Any other error says nothing about the file: a busy disk must not end a run.
      return codeOf(cause) === 'ENOENT' ? 'none' : 'self';
    }
  };
  return Object.assign(release, { owner });
}

/**
 * Creates a lock file that names its owner, and takes over stale ones. Whether a process on this host has ended is
 * known from its number, start time and state (a zombie has ended); on another machine or in another container, from
 * the time of the file, which its owner updates. Clocks must agree within some minutes.
 *
 * @param what the owner does, for the error: `trains here`
 * @throws ParamError if another process owns the lock, or the file cannot be created
 */
export async function lock(path: string, what: string): Promise<Lock> {
  for (;;) {
    const own = await create(path);
    if (own !== null) return keepAlive(path, own);
    const text = await readOwner(path);
    const living = await livingOwner(path, text);
    if (living !== null) {
      const hint = `Remove this file if ${living.condition}.`;
      throw new ParamError({ op: path, expected: `no other process that ${what}`, got: living.owner, hint });
    }
    await removeStale(path, text);
  }
}
