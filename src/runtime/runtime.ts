/** What runtimes do each in their own way. `#runtime` is the one at hand: see the package's `imports`. */
export interface Runtime {
  /** How many threads run at once here, the caller among them. */
  readonly parallelism: () => number;
  /** Whether `startWorker` can start any. */
  readonly hasWorkers: () => boolean;
  /**
   * Runs the body of an async function on a thread of its own. The body finds `data` under that
   * name, and calls `begun()` when it has what it needs: from then on it keeps no process alive.
   * The thread ends when the body has returned.
   *
   * @param ended called once the thread is no more, with the reason where it failed
   * @returns settled when it has begun, or has ended without
   * @throws where this runtime has no threads
   */
  readonly startWorker: (script: string, data: unknown, ended: (reason: string | null) => void) => Promise<void>;
  /** Settled when whoever waits for a signal, a message or a file has had a turn. */
  readonly nextTurn: () => Promise<void>;
  /**
   * The bytes of the file at a path or file URL, each chunk good until the next is asked
   * for; null where there are no files.
   */
  readonly readFile: ((location: string) => AsyncIterable<Uint8Array>) | null;
}
