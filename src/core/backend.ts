import type { ModelConfig } from './config.js';
import type { FloatArray, Tensor } from './tensor.js';
import type { WeightStream } from './weights.js';

/**
 * The contract between the network and whatever computes it. A backend receives
 * weights whose names and shapes `checkShapes` has already held against the
 * configuration, and whose values are checked as they come; it may pack, reorder
 * and round them as it likes.
 */
export interface Backend {
  /** What `--backend` calls it. */
  readonly name: string;
  /** @throws BackendUnavailableError where this machine cannot run it, and whatever the stream throws. */
  open(weights: WeightStream, config: ModelConfig): Promise<Session>;
}

/** One network, loaded. Images are NCHW, `config.input_size` high and wide. */
export interface Session {
  /**
   * Logits [n, num_classes] of x [n, in_chans, h, w], row-major. The caller has
   * checked the length of x and owns what is returned.
   */
  forward(x: FloatArray, n: number): Promise<FloatArray>;
  /**
   * Logits [num_classes] of one image of bytes [h,w,interleaved], row by row, of which
   * the first three of each pixel are looked at, normalized by the configuration.
   * Where it is missing, the caller normalizes.
   */
  forwardPixels?(data: Uint8Array | Uint8ClampedArray, interleaved: 3 | 4): Promise<FloatArray>;
  /**
   * Outputs [n,c,h,w] of the named modules of the deploy form for x [n,in_chans,h,w]:
   * `stem`, `stages.<i>`, `cls.0`. The caller has checked names and x.
   */
  features?(x: FloatArray, n: number, layers: readonly string[]): Promise<Map<string, Tensor>>;
  /**
   * Outputs [n,c,h,w] of every layer by the names of `planNetwork`, for judging them one by
   * one. Where it is missing, `features` shows where modules end.
   */
  layers?(x: FloatArray, n: number): Promise<Map<string, Tensor>>;
  /** How it runs: its build, its threads. */
  readonly info?: Readonly<Record<string, string | number>>;
  /** Frees everything; the session is not used afterwards. */
  dispose(): void;
}
