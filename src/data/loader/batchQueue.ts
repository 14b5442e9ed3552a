/** Prepares batches ahead of their use, in this thread or in others. */
import type { Batch } from './batch.js';
import type { Disk } from './disk/disk.js';
import type { BatchSource, FileOrder, FillBatch } from './fillBatch.js';
import { batchInSlot, SLOTS_PER_THREAD, slotBytes, type BatchShape, type Slots } from './slots.js';

export interface BatchQueue {
  /** Slots, and so the batches that may be started before the first is taken. */
  readonly capacity: number;
  /** Starts batch `number`. Batches are numbered from 0 and started in order. */
  start(number: number, order: FileOrder): void;
  /** Waits for batch `number`, of n images. Rejects if one of its images cannot be read. */
  take(number: number, n: number): Promise<Batch>;
  /** Drops all batches started so far; a pending `take` rejects with the given error. */
  reset(cause: Error): void;
  /** Ends the threads; a pending or later `take` rejects with the given error. */
  stop(cause: Error): Promise<void>;
}

/** Prepares each batch in this thread, when it is taken. */
export function inlineQueue(fill: FillBatch, shape: BatchShape): BatchQueue {
  const slots: Slots = { memory: new ArrayBuffer(slotBytes(shape, 1)), shape };
  let next: FileOrder | null = null;
  // A batch of an abandoned epoch may still be reading into the slot.
  let last: Promise<unknown> = Promise.resolve();
  return {
    capacity: 1,
    start(_, order) {
      next = order;
    },
    async take(_, n) {
      const batch = batchInSlot(slots, 0, n);
      const order = next;
      const filling = last.then(() => (order === null ? undefined : fill(order, batch)));
      last = filling.catch(() => undefined);
      await filling;
      return batch;
    },
    reset: () => undefined,
    stop: () => Promise.resolve(),
  };
}

/** Prepares batches in threads, into memory that they share with this one. */
export function threadQueue(
  source: BatchSource,
  shape: BatchShape,
  workers: number,
  startThreads: NonNullable<Disk['startThreads']>,
): BatchQueue {
  const capacity = SLOTS_PER_THREAD * workers;
  const slots: Slots = { memory: new SharedArrayBuffer(slotBytes(shape, capacity)), shape };
  const threads = startThreads(workers, { source, slots });
  return {
    capacity,
    start(number, order) {
      // Each slot belongs to one thread, which fills it in the order of its jobs: a dropped batch cannot overwrite a
      // later one.
      threads.send({ ...order, number, slot: number % capacity });
    },
    async take(number, n) {
      await threads.wait(number);
      return batchInSlot(slots, number % capacity, n);
    },
    reset: (cause) => {
      threads.reset(cause);
    },
    stop: (cause) => threads.stop(cause),
  };
}
