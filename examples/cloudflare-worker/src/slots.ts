import { unavailable } from './httpError.js';

let occupied = 0;

/**
 * Runs a job in one of `depth` slots, which limit how many jobs wait. They run one after another anyway, because a Worker
 * has one thread and the model queues its calls.
 *
 * The slots are a counter and not a chain of promises: the promises of a request that the platform ends never settle, and
 * those behind it would wait forever. (`waitUntil` keeps a request alive until its slot is free again.)
 */
export async function inSlot<T>(depth: number, job: () => Promise<T>): Promise<T> {
  if (occupied >= depth) throw unavailable(`${depth} requests are in progress`);
  occupied++;
  try {
    return await job();
  } finally {
    occupied--;
  }
}
