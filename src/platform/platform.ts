/** What runtimes do each in their own way. `#platform` is the one at hand: see the package's `imports`. */
export interface Platform {
  /** How many threads run at once here, the caller among them. */
  readonly parallelism: () => number;
  /**
   * Runs the body of an async function on a thread of its own that keeps no process
   * alive. The body finds `data` under that name; the thread ends when it has returned.
   *
   * @throws where this runtime has no threads
   */
  readonly startWorker: (script: string, data: unknown) => void;
}
