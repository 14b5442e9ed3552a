import type { AbortOptions } from './abort.js';
import type { ModelConfig } from './config.js';
import type { FloatArray, Tensor } from './tensor.js';
import type { WeightStream } from './weights.js';

/**
 * Computes networks on one engine. A backend receives weights whose names and shapes `checkShapes` has
 * compared with the configuration and whose values are checked while they arrive; it may pack,
 * reorder and round them.
 */
export interface Backend {
  /** The name for `--backend`. */
  readonly name: string;
  /** @throws BackendUnavailableError if this machine cannot run the backend, and any error of the stream. */
  open(weights: WeightStream, config: ModelConfig): Promise<Session>;
}

/** A loaded network. Images are NCHW, of height and width `config.input_size`. */
export interface Session {
  /**
   * Logits [n, num_classes] of x [n, in_chans, h, w], row-major. The caller has checked the length of x, does not change
   * x before the promise settles, and owns the result.
   *
   * @param options `signal`: a backend may ignore it, or reject with its reason after any image
   */
  forward(x: FloatArray, n: number, options?: AbortOptions): Promise<FloatArray>;
  /**
   * Logits [num_classes] of one image [h, w, interleaved] of bytes. The first three bytes of each pixel are
   * used and normalized by the configuration. Optional: without it the caller normalizes and calls `forward`.
   */
  forwardPixels?(data: Uint8Array | Uint8ClampedArray, interleaved: 3 | 4): Promise<FloatArray>;
  /**
   * Outputs [n, c, h, w] of modules for x [n, in_chans, h, w], by their names in the deploy form: `stem`,
   * `stages.<i>`, `cls.0`. The caller has checked the names and x.
   */
  features?(x: FloatArray, n: number, layers: readonly string[], options?: AbortOptions): Promise<Map<string, Tensor>>;
  /**
   * Outputs [n, c, h, w] of all layers by their names in `planNetwork`, for layer-by-layer comparison.
   * Optional: without it, a comparison uses `features`.
   */
  layers?(x: FloatArray, n: number): Promise<Map<string, Tensor>>;
  /** Details such as the build and the number of threads. */
  readonly info?: Readonly<Record<string, string | number>>;
  /** Frees all resources; the session must not be used afterwards. */
  dispose(): void;
}
