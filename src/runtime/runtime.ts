/** A thread of `startWorker`. */
export interface RuntimeWorker {
  /** Resolves when the body calls `begun()`, or when it ends before that. */
  readonly started: Promise<void>;
  /** Ends the thread, whatever it is doing. */
  readonly terminate: () => void;
}

/** Rows of 8-bit RGB or RGBA pixels. */
export interface DecodedImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** The functions that differ between runtimes. `#runtime` is the implementation for the current one: see `imports` in package.json. */
export interface Runtime {
  /** The number of threads that can run in parallel, including the caller. */
  readonly parallelism: () => number;
  /** Whether `startWorker` works. */
  readonly hasWorkers: () => boolean;
  /**
   * Runs the body of an async function in a new thread. The body has a variable `data`, and calls `begun()` when it
   * is ready; from then on it does not keep the process alive. The thread ends when the body returns.
   *
   * @param ended called after the thread has ended, with the reason if it failed. Browsers do not report a thread that
   *   they ended themselves
   * @throws if the runtime has no threads
   */
  readonly startWorker: (script: string, data: unknown, ended: (reason: string | null) => void) => RuntimeWorker;
  /** Resolves in a later turn of the event loop, so that pending signals, messages and files are handled. */
  readonly nextTurn: () => Promise<void>;
  /**
   * Reads the file at a path or file URL in chunks, each valid until the next is requested. Null if the runtime has no
   * files. `onSize` is called before the first chunk with the bytes of the file, or null if it is a pipe or device.
   */
  readonly readFile: ((location: string, onSize: (bytes: number | null) => void) => AsyncIterable<Uint8Array>) | null;
  /**
   * Decodes a PNG, JPEG or WebP file whose header is valid: upright by its EXIF orientation, color profiles ignored. Null if
   * the runtime cannot.
   *
   * @param name the name of the image in errors
   */
  readonly decodeImage:
    ((bytes: Uint8Array, format: 'png' | 'jpeg' | 'webp', name: string) => Promise<DecodedImage>) | null;
  /** Reads the pixels of what a page draws: an image element, a canvas, a video, a bitmap. Null outside of browsers. */
  readonly readPixels: ((drawable: object) => Promise<DecodedImage>) | null;
}
