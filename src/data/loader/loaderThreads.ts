import { Worker } from 'node:worker_threads';
import { DataError, LoaderError, type ErrorFields } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';
import type { BatchSource, FileOrder } from './fillBatch.js';
import type { Slots } from './slots.js';

/** What a thread is started with. */
export interface ThreadData {
  readonly source: BatchSource;
  readonly slots: Slots;
}

/** A request to a thread: prepare a batch in a slot. */
export interface Job extends FileOrder {
  readonly number: number;
  readonly slot: number;
}

/** The reply of a thread: the job is done, or one of its images cannot be read. */
export interface LoaderReply {
  readonly number: number;
  readonly failure?: ErrorFields;
}

export interface Threads {
  /** Sends a job to thread `number % count`, which processes its jobs in order. */
  send(job: Job): void;
  /** Resolves when the job is done. Rejects with a DataError of the job, or a LoaderError if any thread has ended. */
  wait(number: number): Promise<void>;
  /** Drops all jobs sent so far; a pending `wait` rejects with the given error. */
  reset(cause: Error): void;
  /** Ends the threads; a pending or later `wait` rejects with the given error. */
  stop(cause: Error): Promise<void>;
}

/** The pending call of `wait`: there is at most one. */
interface Waiter {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** Starts threads that prepare batches. They keep the process alive only while `wait` is pending. */
export function startThreads(script: string, count: number, data: ThreadData): Threads {
  /** Results that nothing has waited for yet: null, or the error of the job. */
  const results = new Map<number, DataError | null>();
  let waiter: Waiter | null = null;
  let failure: { readonly cause: Error } | null = null;

  const fail = (cause: Error): void => {
    failure ??= { cause };
    waiter?.reject(failure.cause);
    waiter = null;
  };
  const receive = ({ number, failure: fields }: LoaderReply): void => {
    const error = fields === undefined ? null : new DataError(fields);
    if (waiter?.number !== number) {
      results.set(number, error);
      return;
    }
    if (error === null) waiter.resolve();
    else waiter.reject(error);
    waiter = null;
  };
  const failThread = (got: string, cause?: unknown): void => {
    fail(new LoaderError({ op: 'loader', expected: 'threads that prepare images', got }, { cause }));
  };
  const workers = Array.from({ length: count }, () => {
    // Without the parent's flags: its module loaders would only slow the script down.
    const worker = new Worker(script, { workerData: data, execArgv: [] });
    worker.on('message', receive);
    worker.on('error', (cause) => {
      failThread(`a thread that failed: ${reasonOf(cause)}`, cause);
    });
    worker.on('exit', (code) => {
      failThread(`a thread that ended with code ${code}`);
    });
    worker.unref();
    return worker;
  });

  return {
    send(job) {
      workers[job.number % count].postMessage(job);
    },
    async wait(number) {
      if (failure !== null) throw failure.cause;
      const result = results.get(number);
      if (result instanceof DataError) throw result;
      if (results.delete(number)) return;
      const worker = workers[number % count];
      worker.ref();
      try {
        await new Promise<void>((resolve, reject) => {
          waiter = { number, resolve, reject };
        });
      } finally {
        worker.unref();
      }
    },
    reset(cause) {
      results.clear();
      waiter?.reject(cause);
      waiter = null;
    },
    async stop(cause) {
      fail(cause);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
