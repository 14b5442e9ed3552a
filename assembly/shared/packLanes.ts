import { transpose4x4 } from './transpose4x4';

/**
 * panels[⌊r/lanes⌋][k][r mod lanes] = rows[r][k]: `lanes` rows side by side, so that one load reads one k of all of them.
 *
 * `values` are elements `first` to `last` (exclusive) of the rows [·][width]; panels [·][depth][lanes]. Other elements of the
 * panels do not change.
 * Requires width ≤ depth, and lanes a multiple of 4; no alignment; blocks must not overlap.
 * Loop order: that of the values. If all rows of a panel are present, they are packed 4x4 at a time; the last width mod 4
 * columns and all other rows are packed value by value.
 */
export function packLanes(
  panels: usize,
  values: usize,
  width: i32,
  depth: i32,
  lanes: i32,
  first: i32,
  last: i32,
): void {
  assert(width > 0 && width <= depth, 'packLanes: rows must fit into their panel');
  assert(lanes > 0 && (lanes & 3) == 0, 'packLanes: lanes must be a multiple of 4');
  const laneBytes: usize = 4 * <usize>lanes;
  const rowBytes: usize = 4 * <usize>width;
  for (let at = first; at < last;) {
    const r = at / width;
    const lane = r % lanes;
    const panel = panels + laneBytes * <usize>depth * (r / lanes);
    let k = at - r * width;
    if (lane == 0 && k == 0 && last - at >= lanes * width) {
      packPanel(panel, values, width, lanes);
      values += rowBytes * lanes;
      at += lanes * width;
      continue;
    }
    const end = min(width, k + last - at);
    at += end - k;
    let to = panel + laneBytes * <usize>k + 4 * <usize>lane;
    for (; k < end; k++) {
      store<f32>(to, load<f32>(values));
      values += 4;
      to += laneBytes;
    }
  }
}

/** Packs all rows of a panel. */
function packPanel(panel: usize, values: usize, width: i32, lanes: i32): void {
  const laneBytes: usize = 4 * <usize>lanes;
  const rowBytes: usize = 4 * <usize>width;
  for (let lane = 0; lane < lanes; lane += 4) {
    let to = panel + 4 * <usize>lane;
    let from = values + rowBytes * <usize>lane;
    let k = 0;
    for (; k + 4 <= width; k += 4) {
      const r2 = from + 2 * rowBytes;
      transpose4x4(to, v128.load(from), v128.load(from + rowBytes), v128.load(r2), v128.load(r2 + rowBytes), laneBytes);
      from += 16;
      to += 4 * laneBytes;
    }
    for (; k < width; k++) {
      for (let i: usize = 0; i < 4; i++) store<f32>(to + 4 * i, load<f32>(from + i * rowBytes));
      from += 4;
      to += laneBytes;
    }
  }
}
