import { madd } from './simd';

/**
 * Outputs (or taps, in training) of one pass: seven sums, their seven inputs and a tap take 15 of 16 registers. Kernels may
 * write and read this many pixels beyond a map.
 */
export const PASS: i32 = 7;

/** Pixels from one row of a plane to the next, with n border pixels on each side. */
export function planePitch(w: i32, n: i32): i32 {
  return w + 2 * n;
}

/** Zeroes the borders of a plane on the left and right of its h x w pixels. */
export function clearBorders(plane: usize, h: i32, w: i32, n: i32): void {
  const rowBytes: usize = 16 * <usize>planePitch(w, n);
  const leftBytes: usize = 16 * <usize>n;
  const insideBytes: usize = leftBytes + 16 * <usize>w;
  for (let y = 0; y < h; y++) {
    memory.fill(plane, 0, leftBytes);
    memory.fill(plane + insideBytes, 0, rowBytes - insideBytes);
    plane += rowBytes;
  }
}

/**
 * y[·] = bias + Σ_{i,j} weight[i,j] · x[· + (i,j) − n], four channels side by side, f32.
 *
 * x [h][planePitch(w, n)][4] with zeros on the left and right (but not above and below: taps outside of the map are
 * skipped), weight [2n+1][2n+1][4], bias [4], y [h][w][4] with room for 6 more pixels.
 * Requires 6 readable pixels after x; blocks must not overlap.
 * Loop order: row by row, seven outputs a pass. If 7 does not divide w, the last pass of a row computes extra outputs, which
 * the next row overwrites.
 */
export function depthwisePlane(y: usize, x: usize, weight: usize, bias: usize, h: i32, w: i32, n: i32): void {
  const pitchBytes: usize = 16 * <usize>planePitch(w, n);
  const kernel = 2 * n + 1;
  for (let oy = 0; oy < h; oy++) {
    const top = max(oy - n, 0);
    const bottom = min(oy + n + 1, h);
    const taps = weight + 16 * <usize>((top + n - oy) * kernel);
    const row = x + <usize>top * pitchBytes;
    for (let ox = 0; ox < w; ox += PASS) {
      const left: usize = 16 * <usize>ox;
      sevenOutputs(y + left, row + left, pitchBytes, taps, bias, bottom - top, kernel);
    }
    y += 16 * <usize>w;
  }
}

/**
 * Seven adjacent outputs over `rows` rows of taps.
 * Loop order: tap by tap, one an iteration; more would spill registers, as in `gemm4x8`.
 */
function sevenOutputs(y: usize, x: usize, pitchBytes: usize, tap: usize, bias: usize, rows: i32, kernel: i32): void {
  let y0 = v128.load(bias);
  let y1 = y0;
  let y2 = y0;
  let y3 = y0;
  let y4 = y0;
  let y5 = y0;
  let y6 = y0;
  const skip = pitchBytes - 16 * <usize>kernel;
  do {
    let j = kernel;
    do {
      const t = v128.load(tap);
      y0 = madd(t, v128.load(x), y0);
      y1 = madd(t, v128.load(x, 16), y1);
      y2 = madd(t, v128.load(x, 32), y2);
      y3 = madd(t, v128.load(x, 48), y3);
      y4 = madd(t, v128.load(x, 64), y4);
      y5 = madd(t, v128.load(x, 80), y5);
      y6 = madd(t, v128.load(x, 96), y6);
      tap += 16;
      x += 16;
    } while (--j);
    x += skip;
  } while (--rows);
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y, y2, 32);
  v128.store(y, y3, 48);
  v128.store(y, y4, 64);
  v128.store(y, y5, 80);
  v128.store(y, y6, 96);
}
