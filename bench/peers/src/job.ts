/** The job that the parent sends to a measuring process, and the messages that it answers with. */

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
  /** Number of timed runs; with 0 the process ends after its first logits. */
  readonly runs: number;
  /** Number of runs, including the first, after which memory is read. */
  readonly peakAfter: number;
}

/** One line of JSON on file descriptor 3, because some runtimes print to stdout. */
export type Message =
  /** The first logits are computed. The parent's clock at its arrival ends the cold start. */
  | { readonly event: 'first' }
  | {
      readonly event: 'logits';
      readonly values: readonly number[];
      /** Binary files that the runtime has loaded, if it ships such files. */
      readonly binaries: readonly string[];
      /** Version of a runtime that npm does not install. */
      readonly version?: string;
    }
  | { readonly event: 'peak'; readonly rssKiB: number }
  /** The times of all timed runs and the logits of the last: optimized code must still be right. */
  | { readonly event: 'done'; readonly ms: readonly number[]; readonly values: readonly number[] }
  | { readonly event: 'failed'; readonly reason: string };

/** A runtime with the network loaded. */
export interface Opened {
  /** Computes logits [batch, classes] of the job's images. */
  readonly run: () => Promise<Float32Array>;
  readonly binaries: readonly string[];
}

/**
 * Loads the network and the images from the folder of the models. The images are already in the layout of the runtime;
 * passing them in and reading the logits is timed.
 */
export type Open = (job: Job) => Promise<Opened>;
