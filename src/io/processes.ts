import { readFile } from 'node:fs/promises';

/** Whether a process exists. EPERM means that it does and belongs to another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The start time of a process in ticks of the system, from /proc; null on systems other than Linux. */
export async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // Field 22. The second field, the name in parentheses, may itself contain parentheses and spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
