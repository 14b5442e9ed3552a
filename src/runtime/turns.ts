/** Turns of the event loop between computations, which block their thread. */
import { platform } from '#runtime';
import { JobQueue } from '../core/jobQueue.js';

/** Milliseconds of computation after which the event loop gets a turn. */
const INTERVAL = 4;

let latest = performance.now();

/**
 * Gives the event loop a turn, in which it handles messages, timers and files, unless it had one a few milliseconds ago.
 */
export async function turnIfDue(): Promise<void> {
  if (performance.now() - latest < INTERVAL) return;
  await platform.nextTurn();
  latest = performance.now();
}

/**
 * A queue whose jobs run one after the other, or a few at a time, with turns of the event loop between them.
 *
 * Where there are no threads, at the edge, all jobs begin at once: there the runtime drops what a request awaits when its
 * client leaves, and the jobs of other requests would wait for it forever.
 *
 * @param limit the most jobs that run at a time
 */
export const createJobQueue = (limit = 1): JobQueue =>
  platform.hasWorkers() ? new JobQueue(turnIfDue, limit) : new JobQueue(() => Promise.resolve(), Infinity);
