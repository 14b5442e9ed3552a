import { onAbort, type AbortOptions } from './abort.js';

/** Jobs that run one after the other, or a few at a time, in the order of the calls. */
export class JobQueue {
  readonly #giveTurn: () => Promise<void>;
  /** The jobs that wait, in their order. */
  readonly #waiting = new Set<() => Promise<void>>();
  readonly #limit: number;
  #running = 0;

  /**
   * @param giveTurn awaited after each job, so that other work of the event loop is done between jobs
   * @param limit the most jobs that run at a time
   */
  constructor(giveTurn: () => Promise<void>, limit = 1) {
    this.#giveTurn = giveTurn;
    this.#limit = limit;
  }

  /** Whether a job that is added now runs at once. */
  get isIdle(): boolean {
    return this.#running < this.#limit;
  }

  /**
   * Runs a job: at once if fewer than the limit are running, otherwise after those before it. If the signal is aborted, the promise
   * rejects with its reason at once; a job that waits is removed, and one that runs is not stopped here, but the next one
   * begins only after it.
   */
  add<T>(job: () => Promise<T>, signal?: AbortOptions['signal']): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const run = async (): Promise<void> => {
        this.#running++;
        try {
          const result = await job();
          await this.#giveTurn();
          resolve(result);
        } catch (error) {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
          reject(error);
        } finally {
          removeListener();
          this.#next();
        }
      };
      const removeListener = onAbort(signal, (reason) => {
        this.#waiting.delete(run);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason may be any value
        reject(reason);
      });
      if (signal?.aborted === true) return;
      if (this.isIdle) void run();
      else this.#waiting.add(run);
    });
  }

  #next(): void {
    this.#running--;
    const run = this.#waiting.values().next().value;
    if (run === undefined) return;
    this.#waiting.delete(run);
    void run();
  }
}
