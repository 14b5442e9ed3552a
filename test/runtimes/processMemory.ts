import { readFile } from 'node:fs/promises';

/** Fields of /proc/PID/status: resident memory, its peak, and the size of the address space. */
type Measure = 'VmRSS' | 'VmHWM' | 'VmSize';

/** Reads a field, in bytes. */
export async function memoryOf(pid: number | undefined, measure: Measure): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(new RegExp(`${measure}:\\s+(\\d+) kB`).exec(status)?.[1]);
}
