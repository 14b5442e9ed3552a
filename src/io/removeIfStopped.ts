import { rmSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What is not to be left behind. */
const files = new Set<string>();

function stop(signal: NodeJS.Signals): void {
  // Whoever else listens decides, and may want what is there.
  if (process.listenerCount(signal) > 1) return;
  for (const path of files) rmSync(path, { force: true });
  for (const each of SIGNALS) process.off(each, stop);
  process.kill(process.pid, signal);
}

/**
 * Removes a file if the process is told to end and nobody else listens, and then lets
 * it end. Only SIGKILL and a power cut leave it behind.
 *
 * @returns what takes the watch off again
 */
export function removeIfStopped(path: string): () => void {
  if (files.size === 0) for (const signal of SIGNALS) process.on(signal, stop);
  files.add(path);
  return () => {
    files.delete(path);
    if (files.size === 0) for (const signal of SIGNALS) process.off(signal, stop);
  };
}
