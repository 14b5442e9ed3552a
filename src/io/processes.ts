import { readFile } from 'node:fs/promises';

/** Whether a process of this number is there; who may not be asked is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process of this number began, in the system's ticks; null where the system does not tell, as only Linux does. */
export async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // Its name, the second field, stands in brackets, and may hold some itself, and spaces. This is the 22nd.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
