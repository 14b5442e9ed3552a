/** Strengths as torchvision's `ColorJitter`. */
export interface ColorJitterOptions {
  /** Factors from max(0, 1 − b) to 1 + b; likewise contrast and saturation. */
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** Shifts from −h to h turns, h in [0, 0.5]. */
  readonly hue?: number;
}
