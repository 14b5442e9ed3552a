import type { ThreadData, Threads } from '../loaderThreads.js';
import type { Readers } from '../readFiles.js';

/** What only some runtimes offer for images. `#data/disk` is that of the current runtime: see package.json's `imports`. */
export interface Disk {
  /** Starts threads that prepare batches; null if the runtime has none. */
  readonly startThreads: ((count: number, data: ThreadData) => Threads) | null;
  /** Loads the readers of image files; null if the runtime has no files. */
  readonly readers: (() => Promise<Readers>) | null;
}
