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

/** The replies of all threads. */
class Replies {
  /** Results that nothing has waited for yet: null, or the error of the job. */
  readonly #results = new Map<number, DataError | null>();
  #waiter: Waiter | null = null;
  #failure: { readonly cause: Error } | null = null;

  receive({ number, failure }: LoaderReply): void {
    const error = failure === undefined ? null : new DataError(failure);
    if (this.#waiter?.number !== number) {
      this.#results.set(number, error);
      return;
    }
    if (error === null) this.#waiter.resolve();
    else this.#waiter.reject(error);
    this.#waiter = null;
  }

  /** Rejects the pending `wait`, and all later ones, with the first error. */
  fail(cause: Error): void {
    this.#failure ??= { cause };
    this.#reject(this.#failure.cause);
  }

  /** Drops the results; the pending `wait` rejects. */
  reset(cause: Error): void {
    this.#results.clear();
    this.#reject(cause);
  }

  /** Whether the job is done. @throws its error, or that of a thread */
  isDone(number: number): boolean {
    if (this.#failure !== null) throw this.#failure.cause;
    const result = this.#results.get(number);
    if (result instanceof DataError) throw result;
    return this.#results.delete(number);
  }

  /** Resolves with the reply. */
  wait(number: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiter = { number, resolve, reject };
    });
  }

  #reject(cause: Error): void {
    this.#waiter?.reject(cause);
    this.#waiter = null;
  }
}

function startThread(script: string, data: ThreadData, replies: Replies): Worker {
  const fail = (got: string, cause?: unknown): void => {
    replies.fail(new LoaderError({ op: 'loader', expected: 'threads that prepare images', got }, { cause }));
  };
  // Without the parent's flags: its module loaders would only slow the script down.
  const worker = new Worker(script, { workerData: data, execArgv: [] });
  worker.on('message', (reply: LoaderReply) => {
    replies.receive(reply);
  });
  worker.on('error', (cause) => {
    fail(`a thread that failed: ${reasonOf(cause)}`, cause);
  });
  worker.on('exit', (code) => {
    fail(`a thread that ended with code ${code}`);
  });
  worker.unref();
  return worker;
}

/** Starts threads that prepare batches. They keep the process alive only while `wait` is pending. */
export function startThreads(script: string, count: number, data: ThreadData): Threads {
  const replies = new Replies();
  const workers = Array.from({ length: count }, () => startThread(script, data, replies));
  let isStopped = false;
  return {
    send(job) {
      workers[job.number % count].postMessage(job);
    },
    async wait(number) {
      if (replies.isDone(number)) return;
      const worker = workers[number % count];
      worker.ref();
      await replies.wait(number).finally(() => {
        // The end of a thread keeps the process alive: `stop` waits for it.
        if (!isStopped) worker.unref();
      });
    },
    reset(cause) {
      replies.reset(cause);
    },
    async stop(cause) {
      isStopped = true;
      replies.fail(cause);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
