import type { ThreadData, Threads } from '../loaderThreads.js';
import type { FileSource, ReadFiles, ReadImages } from '../readFiles.js';

/** As in readFiles.ts, which has Node's modules and a decoder behind it. */
export interface Readers {
  readonly createFileReader: (source: FileSource) => ReadFiles;
  readonly createImageReader: (source: FileSource) => ReadImages;
}

/** What not every runtime has for images. `#data/disk` is what is at hand: see the package's `imports`. */
export interface Disk {
  /** Starts threads that make batches; null where there are none that could. */
  readonly startThreads: ((count: number, data: ThreadData) => Threads) | null;
  /** What reads image files, loaded when it is asked for; null where there are no files. */
  readonly readers: (() => Promise<Readers>) | null;
}
