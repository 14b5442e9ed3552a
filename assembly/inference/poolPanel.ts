import { windowEnd, windowStart } from '../shared/poolWindow';
import { max, relu } from '../shared/simd';

/** How `poolPanel` pools. */
export const enum PoolMode {
  /** No pool: pixels are in row order. */
  none,
  /** Each group of four pixels is one window. */
  groups,
  /** Windows over pixels in row order. */
  windows,
}

/**
 * plane[c/4][y,x][c mod 4] = max(0, max of the window (y,x) of channel c), eight channels, f32.
 *
 * c [pixels][8], in the order of `pool`; low and high point at the first pixel inside the borders of two planes of four
 * channels, whose rows are `pitchBytes` apart; h, w are the sizes of the planes. For PoolMode.windows, c is a map of width
 * `width`, and window y covers rows [⌊y·rows/h⌋, ⌈(y+1)·rows/h⌉), likewise for columns: adaptive pooling, or, with
 * rows = stride·h, pooling with a stride, which drops rows that fill no window. NaN propagates.
 * Blocks must not overlap.
 * Loop order: output by output, each window in scan order.
 */
export function poolPanel(
  low: usize,
  high: usize,
  pitchBytes: usize,
  c: usize,
  pool: i32,
  h: i32,
  w: i32,
  rows: i32,
  columns: i32,
  width: i32,
): void {
  for (let y = 0; y < h; y++) {
    const rowBytes: usize = 16 * <usize>w;
    if (pool == PoolMode.none) {
      for (let x: usize = 0; x < rowBytes; x += 16) {
        v128.store(low + x, relu(v128.load(c)));
        v128.store(high + x, relu(v128.load(c, 16)));
        c += 32;
      }
    } else if (pool == PoolMode.groups) {
      for (let x: usize = 0; x < rowBytes; x += 16) {
        v128.store(low + x, relu(largestOfGroup(c)));
        v128.store(high + x, relu(largestOfGroup(c + 16)));
        c += 128;
      }
    } else {
      const top = c + 32 * <usize>(windowStart(y, rows, h) * width);
      const bottom = c + 32 * <usize>(windowEnd(y, rows, h) * width);
      for (let x = 0; x < w; x++) {
        const left: usize = 32 * <usize>windowStart(x, columns, w);
        const right: usize = 32 * <usize>windowEnd(x, columns, w);
        const at: usize = 16 * <usize>x;
        v128.store(low + at, relu(largestOfWindow(top, bottom, left, right, width)));
        v128.store(high + at, relu(largestOfWindow(top + 16, bottom + 16, left, right, width)));
      }
    }
    low += pitchBytes;
    high += pitchBytes;
  }
}

/** The maximum over four consecutive pixels, for four channels. */
function largestOfGroup(c: usize): v128 {
  return max(max(max(v128.load(c), v128.load(c, 32)), v128.load(c, 64)), v128.load(c, 96));
}

/** The maximum over rows top to bottom and columns left to right (all byte offsets), for four channels. */
function largestOfWindow(top: usize, bottom: usize, left: usize, right: usize, width: i32): v128 {
  let largest = v128.load(top + left);
  for (let row = top; row < bottom; row += 32 * <usize>width) {
    for (let x = left; x < right; x += 32) largest = max(largest, v128.load(row + x));
  }
  return largest;
}
