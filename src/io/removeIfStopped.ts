import { rmSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Files to remove if the process is stopped. */
const files = new Set<string>();

function stop(signal: NodeJS.Signals): void {
  // Another listener handles the signal, and may need the files.
  if (process.listenerCount(signal) > 1) return;
  for (const path of files) rmSync(path, { force: true });
  for (const each of SIGNALS) process.off(each, stop);
  process.kill(process.pid, signal);
}

/**
 * Removes a file if the process is stopped by a signal that nothing else handles. After SIGKILL or a power
 * failure the file remains.
 *
 * @returns a function that ends this
 */
export function removeIfStopped(path: string): () => void {
  if (files.size === 0) for (const signal of SIGNALS) process.on(signal, stop);
  files.add(path);
  return () => {
    files.delete(path);
    if (files.size === 0) for (const signal of SIGNALS) process.off(signal, stop);
  };
}
