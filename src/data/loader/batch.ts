/** Images with their targets. */
export interface Batch {
  /** Normalized pixels, [n, channels, height, width]. */
  readonly x: Float32Array;
  /** Target probabilities, [n, classes]; each row sums to 1. */
  readonly targets: Float32Array;
  /** The class of each image, before mixup and CutMix. */
  readonly labels: Int32Array;
}
