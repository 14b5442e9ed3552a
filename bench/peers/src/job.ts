/** What the parent asks of a measuring process, and what that answers. */

export type RuntimeName = 'vanillanet' | 'litert' | 'onnxruntime-web' | 'tfjs' | 'onnxruntime-node' | 'pytorch';

/** One measurement, passed as JSON in the first argument. */
export interface Job {
  readonly runtime: RuntimeName;
  readonly threads: number;
  readonly batch: number;
  /** The folder of the models. */
  readonly models: string;
  /** Warm-up ends when both are reached. */
  readonly warmUp: { readonly runs: number; readonly ms: number };
  /** Timed runs; with 0 the process ends after its first logits. */
  readonly runs: number;
  /** After how many runs, the first included, memory is read. */
  readonly peakAfter: number;
}

/** One line of JSON on file descriptor 3; stdout belongs to the runtimes, and some of them talk. */
export type Message =
  /** The first logits are there: the end of the cold start, stamped by the parent. */
  | { readonly event: 'first' }
  | {
      readonly event: 'logits';
      readonly values: readonly number[];
      /** Files of machine code that were loaded, where the runtime ships them as such. */
      readonly binaries: readonly string[];
      /** For a runtime that npm does not know. */
      readonly version?: string;
    }
  | { readonly event: 'peak'; readonly rssKiB: number }
  /** The times of all timed runs and the logits of the last: optimized code must still be right. */
  | { readonly event: 'done'; readonly ms: readonly number[]; readonly values: readonly number[] }
  | { readonly event: 'failed'; readonly reason: string };

/** A runtime with the network loaded. */
export interface Opened {
  /** Logits [batch, classes] of the job's images. */
  readonly run: () => Promise<Float32Array>;
  readonly binaries: readonly string[];
}

/**
 * Loads network and images from the models' folder. The images are ready in the
 * runtime's own layout; handing them over and taking the logits out is timed.
 */
export type Open = (job: Job) => Promise<Opened>;
