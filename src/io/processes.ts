/** Processes of this machine, from their numbers, and what identifies them beyond the numbers. */
import { readFile, readlink } from 'node:fs/promises';

/** What a line of /proc/PID/stat says. */
interface ProcessStat {
  /** One letter: R runs, S sleeps, Z is a zombie. */
  readonly state: string;
  /** Clock ticks from the start of the system to that of the process. */
  readonly start: string;
}

/** States of a process that has ended, and that its parent has not waited for: zombie, dead. */
const ENDED = ['Z', 'X', 'x'];

/** @returns null for a text of another form */
export function parseStat(text: string): ProcessStat | null {
  // The second field, the name in parentheses, may itself contain parentheses and spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text.includes(')') && fields.length > 19 ? { state: fields[0], start: fields[19] } : null;
}

/** Whether a state is that of a process that has ended. @param state null if it is unknown */
export const isEnded = (state: string | null): boolean => state !== null && ENDED.includes(state);

/** From /proc; null on systems other than Linux, and for a process that does not exist. */
async function statOf(pid: number): Promise<ProcessStat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return text === null ? null : parseStat(text);
}

/** Whether a process exists and has not ended. EPERM means that it does and belongs to another user. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // A signal reaches a zombie, too.
  return !isEnded((await statOf(pid))?.state ?? null);
}

/** The start time of a process in ticks of the system; null on systems other than Linux. */
export const startOf = async (pid: number): Promise<string | null> => (await statOf(pid))?.start ?? null;

/** @param boot the identifier of the boot @param namespace the link to the namespace, such as `pid:[4026531836]` */
export const scopeOf = (boot: string | null, namespace: string | null): string | null =>
  boot === null || namespace === null ? null : `${boot.trim()}/${namespace.replace(/\D/g, '')}`;

/**
 * What the number of a process is valid in: the identifier of the system's boot and, because each container counts its
 * own processes, that of the namespace. Null on systems other than Linux.
 */
export async function processScope(): Promise<string | null> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null);
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null);
  return scopeOf(boot, namespace);
}
