/** Images and what they shall be taken for. */
export interface Batch {
  /** Normalized pixels, [n, channels, height, width]. */
  readonly x: Float32Array;
  /** The share of each class, [n, classes]; rows add up to 1. */
  readonly targets: Float32Array;
  /** The class of each image, before any mixing. */
  readonly labels: Int32Array;
}
