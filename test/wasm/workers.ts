import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** The workers that start while `run` runs. */
export async function workersOf(run: () => Promise<void>): Promise<Worker[]> {
  const workers: Worker[] = [];
  const listen = (message: unknown): void => {
    workers.push((message as { worker: Worker }).worker);
  };
  subscribe('worker_threads', listen);
  try {
    await run();
  } finally {
    unsubscribe('worker_threads', listen);
  }
  return workers;
}

/** Waits until all have ended. */
export async function endOf(workers: readonly Worker[]): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      while (worker.threadId !== -1) await sleep(5);
    }),
  );
}
