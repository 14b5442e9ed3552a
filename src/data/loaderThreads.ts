import { Worker } from 'node:worker_threads';
import type { Images, Order, Recipe } from './batchMaker.js';
import type { Slots } from './slots.js';

/** What a thread is started with. */
export interface ThreadData {
  readonly images: Images;
  readonly recipe: Recipe;
  readonly slots: Slots;
}

/** What it is asked for, and answers by the number. */
export interface Job extends Order {
  readonly number: number;
  readonly slot: number;
}

export interface Threads {
  /** Has thread `number % count` fill the job's slot, after all it was asked for before. */
  send(job: Job): void;
  /** When the job is done. Rejects with the error of any thread, now or later. */
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
  const finished = new Set<number>();
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
    worker.on('message', (number: number) => {
      finished.add(number);
      if (waiting?.number !== number) return;
      waiting.resolve();
      waiting = null;
    });
    worker.on('error', fail);
    worker.on('exit', (code) => {
      fail(new Error(`a thread of the loader ended with code ${code}`));
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
      finished.delete(number);
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
