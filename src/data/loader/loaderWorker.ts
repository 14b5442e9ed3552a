/** A thread of the loader: makes the batches that it is asked for, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { DataError } from '../../core/errors.js';
import { createFillBatch } from './fillBatch.js';
import type { LoaderReply, Job, ThreadData } from './loaderThreads.js';
import { batchInSlot } from './slots.js';

const { source, slots } = workerData as ThreadData;
const fill = await createFillBatch(source);

async function answer({ number, slot, ...order }: Job): Promise<LoaderReply> {
  try {
    await fill(order, batchInSlot(slots, slot, order.positions.length));
    return { number };
  } catch (error) {
    // Another class would not arrive as what it is, and is no fault of the data.
    if (!(error instanceof DataError)) throw error;
    const { op, expected, got } = error;
    return { number, failure: { op, expected, got } };
  }
}

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (job: Job) => {
  last = last.then(async () => {
    parentPort?.postMessage(await answer(job));
  });
});
