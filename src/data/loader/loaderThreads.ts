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

/** What it is asked for. */
export interface Job extends FileOrder {
  readonly number: number;
  readonly slot: number;
}

/** What it answers: the job is done, or an image of it cannot be read. */
export interface LoaderReply {
  readonly number: number;
  readonly failure?: ErrorFields;
}

export interface Threads {
  /** Has thread `number % count` fill the job's slot, after all it was asked for before. */
  send(job: Job): void;
  /** When the job is done. Rejects with a DataError of its own, or a LoaderError where any thread is gone, now or later. */
  done(number: number): Promise<void>;
  /** Forgets what was sent; who waits for it gets this error. */
  forget(cause: Error): void;
  /** Ends the threads; who waits, now or later, gets this error. */
  stop(cause: Error): Promise<void>;
}

interface Waiting {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** Starts threads that make batches. They keep no process alive, but while somebody waits for them. */
export function startThreads(script: string, count: number, data: ThreadData): Threads {
  const finished = new Map<number, DataError | null>();
  let waiting: Waiting | null = null;
  let failure: { readonly cause: Error } | null = null;

  const fail = (cause: Error): void => {
    failure ??= { cause };
    waiting?.reject(failure.cause);
    waiting = null;
  };
  const workers = Array.from({ length: count }, () => {
    // Not the parent's flags: its loaders are of no use to the script, and slow.
    const worker = new Worker(script, { workerData: data, execArgv: [] });
    worker.on('message', ({ number, failure: damage }: LoaderReply) => {
      const error = damage === undefined ? null : new DataError(damage);
      if (waiting?.number !== number) {
        finished.set(number, error);
        return;
      }
      if (error === null) waiting.resolve();
      else waiting.reject(error);
      waiting = null;
    });
    const gone = (got: string, cause?: unknown): void => {
      fail(new LoaderError({ op: 'loader', expected: 'threads that prepare images', got }, { cause }));
    };
    worker.on('error', (cause) => {
      gone(`one that failed: ${reasonOf(cause)}`, cause);
    });
    worker.on('exit', (code) => {
      gone(`one that ended with code ${code}`);
    });
    worker.unref();
    return worker;
  });

  return {
    send(job) {
      workers[job.number % count].postMessage(job);
    },
    async done(number) {
      if (failure !== null) throw failure.cause;
      const end = finished.get(number);
      if (end instanceof DataError) throw end;
      if (finished.delete(number)) return;
      const worker = workers[number % count];
      worker.ref();
      try {
        await new Promise<void>((resolve, reject) => {
          waiting = { number, resolve, reject };
        });
      } finally {
        worker.unref();
      }
    },
    forget(cause) {
      finished.clear();
      waiting?.reject(cause);
      waiting = null;
    },
    async stop(cause) {
      fail(cause);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
