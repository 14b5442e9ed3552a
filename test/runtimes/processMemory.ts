import { readFile } from 'node:fs/promises';

/** What Linux tells of a process's memory: in memory now, at most so far, and addresses. */
type Measure = 'VmRSS' | 'VmHWM' | 'VmSize';

/** In bytes. */
export async function memoryOf(pid: number | undefined, measure: Measure): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(new RegExp(`${measure}:\\s+(\\d+) kB`).exec(status)?.[1]);
}
