/** A thread of the loader: makes the batches that it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { batchMaker } from './batchMaker.js';
import type { Job, ThreadData } from './loaderThreads.js';
import { slotOf } from './slots.js';

const { images, recipe, slots } = workerData as ThreadData;
const make = batchMaker(images, recipe);

parentPort?.on('message', ({ number, slot, ...order }: Job) => {
  make(order, slotOf(slots, slot, order.positions.length));
  parentPort?.postMessage(number);
});
