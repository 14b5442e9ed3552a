import { unavailable } from './httpError.js';

let taken = 0;

/**
 * Runs a job in one of `depth` places. Jobs run one after another anyway, as there is one thread and the model
 * queues its calls; what has to be bounded is how many wait.
 *
 * A number, not a chain of promises: a request that is cut off never settles its promises, and those
 * behind it would wait for ever. (The Worker keeps the request going until its place is given back.)
 */
export async function inPlace<T>(depth: number, job: () => Promise<T>): Promise<T> {
  if (taken >= depth) throw unavailable(`${depth} requests are being worked on`);
  taken++;
  try {
    return await job();
  } finally {
    taken--;
  }
}
