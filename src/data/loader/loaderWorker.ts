/** The script of a loader thread: prepares batches, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { DataError } from '../../core/errors.js';
import { createFillBatch } from './fillBatch.js';
import type { LoaderReply, Job, ThreadData } from './loaderThreads.js';
import { batchInSlot } from './slots.js';

const { source, slots } = workerData as ThreadData;
const fill = await createFillBatch(source);

async function process({ number, slot, ...order }: Job): Promise<LoaderReply> {
  try {
    await fill(order, batchInSlot(slots, slot, order.positions.length));
    return { number };
  } catch (error) {
    // Any other error is no fault of the data and ends the thread. Errors lose their class in a message: send fields.
    if (!(error instanceof DataError)) throw error;
    const { op, expected, got, hint } = error;
    return { number, failure: { op, expected, got, hint } };
  }
}

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (job: Job) => {
  last = last.then(async () => {
    parentPort?.postMessage(await process(job));
  });
});
