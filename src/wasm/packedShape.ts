/** Channels of a panel. */
export const LANES = 8;
/** Rounds a count of channels up to whole panels. */
export const roundUpToLanes = (channels: number): number => Math.ceil(channels / LANES) * LANES;

/**
 * A matrix packed into panels of `lanes` rows side by side, [⌈rows⌉/lanes][depth][lanes], with ⌈rows⌉ rounded up to whole
 * panels; see assembly/shared/packLanes.ts.
 */
export interface PackedShape {
  readonly rows: number;
  /** Numbers in a row, at most `depth`; zeros fill the rest. */
  readonly width: number;
  readonly depth: number;
  readonly lanes: number;
}

export const packedFloats = ({ rows, depth }: PackedShape): number => roundUpToLanes(rows) * depth;
