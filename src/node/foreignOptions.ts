import type { VariantName } from '../core/config.js';

/** How the network is found in weights of another framework, as by the flags of the command line. */
export interface ForeignOptions {
  /** The network, if the file does not say which. */
  readonly variant?: VariantName | undefined;
  /** λ of the activations, if the file does not say it. */
  readonly lambda?: number | undefined;
  /** Whether to take the moving average of the weights if the file has one. Default true. */
  readonly ema?: boolean | undefined;
  /** The weights to take, if the file has several, such as `model_ema`. */
  readonly key?: string | undefined;
  /** Called with what should be known of the weights: which were taken, what was guessed, and what was left out. */
  readonly onRemark?: ((text: string) => void) | undefined;
}

/** Weights that can be read again, at any position. */
export type ReadableAgain = string | Uint8Array;
