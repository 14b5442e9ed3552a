/** timm's `rand-m9-mstd0.5-inc1` where nothing is given. */
export interface RandAugmentOptions {
  /** In [0, 10]; 9 where it is not given. */
  readonly magnitude?: number;
  /** Ops an image; 2 where it is not given. */
  readonly layers?: number;
  /** Deviation of the magnitude, drawn for each op; 0.5 where it is not given. */
  readonly std?: number;
  /** Probability of each op; 0.5 where it is not given. */
  readonly prob?: number;
}
