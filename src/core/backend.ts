import type { ModelConfig } from './config.js';
import type { FloatArray } from './tensor.js';
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
  /** Frees everything; the session is not used afterwards. */
  dispose(): void;
}
