/** timm's `RandomErasing`. */
export interface RandomErasingOptions {
  /** In [0, 1]. */
  readonly prob: number;
  /** Share of the image's area, from and to; 0.02 to 1/3 where it is not given. */
  readonly area?: readonly [number, number];
  /** Height by width, from and to, its logarithm uniform; 0.3 to 1/0.3 where it is not given. */
  readonly aspect?: readonly [number, number];
  /** Zeros, a normal colour for the block, or a normal number for each value. 'const' where it is not given. */
  readonly mode?: 'const' | 'rand' | 'pixel';
  /** Up to so many blocks; 1 where it is not given. */
  readonly count?: number;
}
