/** Every count of channels is filled up to whole panels. */
export const LANES = 8;
export const roundUpToLanes = (channels: number): number => Math.ceil(channels / LANES) * LANES;

/** Rows of numbers, filled up to whole panels, side by side: [whole(rows)/lanes][depth][lanes]; see assembly/shared/packLanes.ts. */
export interface PackedShape {
  readonly rows: number;
  /** Numbers of a row, at most `depth`. */
  readonly width: number;
  readonly depth: number;
  readonly lanes: number;
}

export const packedFloats = ({ rows, depth }: PackedShape): number => roundUpToLanes(rows) * depth;
