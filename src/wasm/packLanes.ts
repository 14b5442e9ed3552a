import type { FloatArray } from '../core/tensor.js';

/** Every count of channels is filled up to whole panels. */
export const LANES = 8;
export const whole = (channels: number): number => Math.ceil(channels / LANES) * LANES;

/** Rows of numbers, filled up to whole panels, side by side: [whole(rows)/lanes][depth][lanes]. */
export interface PackedShape {
  readonly rows: number;
  /** Numbers of a row, at most `depth`. */
  readonly width: number;
  readonly depth: number;
  readonly lanes: number;
}

export const packedFloats = ({ rows, depth }: PackedShape): number => whole(rows) * depth;

/**
 * panels[⌊r/lanes⌋][k][r mod lanes] = rows[r][k]: as many rows as there are lanes
 * lie side by side, so that one load is one k of all of them.
 *
 * @param panels zero before: what the rows do not fill stays so
 * @param data of the rows [rows][width], those from `offset` on
 */
export function packLanes(
  panels: Float32Array,
  { width, depth, lanes }: PackedShape,
  data: FloatArray,
  offset = 0,
): void {
  const end = offset + data.length;
  for (let at = offset; at < end;) {
    const r = Math.floor(at / width);
    const rowEnd = Math.min(end, (r + 1) * width);
    const lane = r % lanes;
    let to = (r - lane) * depth + (at - r * width) * lanes + lane;
    for (; at < rowEnd; at++, to += lanes) panels[to] = data[at - offset];
  }
}
