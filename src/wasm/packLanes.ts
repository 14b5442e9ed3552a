import type { FloatArray } from '../core/tensor.js';

/**
 * panels[⌊r/lanes⌋][k][r mod lanes] = rows[r][k]: as many rows as there are lanes
 * lie side by side, so that one load is one k of all of them.
 *
 * @param panels [⌈rows/lanes⌉][depth][lanes], zero before: what the rows do not fill stays so
 * @param width of a row, at most `depth`
 */
export function packLanes(panels: Float32Array, rows: FloatArray, width: number, depth: number, lanes: number): void {
  for (let r = 0; r * width < rows.length; r++) {
    const panel = (r - (r % lanes)) * depth + (r % lanes);
    for (let k = 0; k < width; k++) panels[panel + k * lanes] = rows[r * width + k];
  }
}
