import { clearBorders, depthwisePlane, PASS, planePitch } from '../shared/depthwisePlane';
import { madd } from '../shared/simd';
import { PIXEL, planeBytes } from './planes';
import { sumPlane } from './sumPlane';

/**
 * A depthwise (2n+1)x(2n+1) convolution with padding n over planes of h x w maps; with a bias in the deploy form, without in
 * the train form. The scratch of a thread holds four zeros (the bias if there is none), a map with borders, one without, and
 * taps; its size is `scratchFloats` in src/wasm/training/layout.ts.
 *
 *     y[p] = bias + Σ_{i,j} weight[i,j] · x[p + (i,j) − n]
 *     dx[p] = Σ_{i,j} weight[i,j] · dy[p − (i,j) + n]     dw[i,j] = Σ_p dy[p] · x[p + (i,j) − n]     db = Σ_p dy[p]
 */
@unmanaged
export class DepthwiseConv2d {
  x: usize;
  y: usize;
  dx: usize;
  dy: usize;
  /** [c/4][2n+1][2n+1][4] */
  weight: usize;
  dw: usize;
  /** [c], and its gradient; both 0 without a bias. */
  bias: usize;
  db: usize;
  images: i32;
  h: i32;
  w: i32;
  n: i32;
}

function borderedAt(scratch: usize): usize {
  return scratch + 16;
}

function mapAt(op: DepthwiseConv2d, scratch: usize): usize {
  return borderedAt(scratch) + PIXEL * <usize>(op.h * planePitch(op.w, op.n) + PASS);
}

function tapsAt(op: DepthwiseConv2d, scratch: usize): usize {
  return mapAt(op, scratch) + PIXEL * <usize>(op.h * op.w + PASS);
}

/** Copies a map into a plane, between its borders, which are zero. */
function copyInside(bordered: usize, map: usize, h: i32, w: i32, n: i32): void {
  const pitchBytes: usize = PIXEL * <usize>planePitch(w, n);
  const rowBytes: usize = PIXEL * <usize>w;
  bordered += PIXEL * <usize>n;
  for (let y = 0; y < h; y++) {
    memory.copy(bordered, map, rowBytes);
    bordered += pitchBytes;
    map += rowBytes;
  }
}

/** y ← x correlated with the taps, map by map. */
function correlate(op: DepthwiseConv2d, y: usize, x: usize, taps: usize, bias: usize, scratch: usize): void {
  const bordered = borderedAt(scratch);
  const map = mapAt(op, scratch);
  const mapBytes: usize = PIXEL * <usize>(op.h * op.w);
  for (let image = 0; image < op.images; image++) {
    copyInside(bordered, x, op.h, op.w, op.n);
    depthwisePlane(map, bordered, taps, bias, op.h, op.w, op.n);
    memory.copy(y, map, mapBytes);
    x += mapBytes;
    y += mapBytes;
  }
}

/** y, four channels a panel. Loop order: image by image, then as in ../shared/depthwisePlane.ts. */
export function depthwiseConv2d(address: usize, scratch: usize, from: i32, to: i32): void {
  const op = changetype<DepthwiseConv2d>(address);
  const pitchBytes = planeBytes(op.images * op.h * op.w);
  const kernel = 2 * op.n + 1;
  v128.store(scratch, f32x4.splat(0));
  clearBorders(borderedAt(scratch), op.h, op.w, op.n);
  for (let panel = from; panel < to; panel++) {
    const at = <usize>panel * pitchBytes;
    const bias = op.bias == 0 ? scratch : op.bias + 16 * <usize>panel;
    correlate(op, op.y + at, op.x + at, op.weight + PIXEL * <usize>(panel * kernel * kernel), bias, scratch);
  }
}

/** dx, four channels a panel: the correlation of dy with the taps in reverse order. */
export function depthwiseConv2dBackward(address: usize, scratch: usize, from: i32, to: i32): void {
  const op = changetype<DepthwiseConv2d>(address);
  const pitchBytes = planeBytes(op.images * op.h * op.w);
  const taps = (2 * op.n + 1) * (2 * op.n + 1);
  const flipped = tapsAt(op, scratch);
  v128.store(scratch, f32x4.splat(0));
  clearBorders(borderedAt(scratch), op.h, op.w, op.n);
  for (let panel = from; panel < to; panel++) {
    const weight = op.weight + PIXEL * <usize>(panel * taps);
    for (let i = 0; i < taps; i++) {
      v128.store(flipped + PIXEL * <usize>i, v128.load(weight + PIXEL * <usize>(taps - 1 - i)));
    }
    const at = <usize>panel * pitchBytes;
    correlate(op, op.dx + at, op.dy + at, flipped, scratch, scratch);
  }
}

/**
 * dw and db, four channels a panel.
 * Loop order: image, row of taps, seven taps at a time; each sum row by row.
 */
export function depthwiseConv2dWeight(address: usize, scratch: usize, from: i32, to: i32): void {
  const op = changetype<DepthwiseConv2d>(address);
  const h = op.h;
  const w = op.w;
  const n = op.n;
  const kernel = 2 * n + 1;
  const passes = (kernel + PASS - 1) / PASS;
  const bordered = borderedAt(scratch);
  // [kernel][passes·7][4]; the first `kernel` of each row are the taps.
  const sums = tapsAt(op, scratch);
  const sumRowBytes: usize = PIXEL * <usize>(passes * PASS);
  const pitchBytes: usize = PIXEL * <usize>planePitch(w, n);
  const rowBytes: usize = PIXEL * <usize>w;
  const mapBytes = rowBytes * <usize>h;
  clearBorders(bordered, h, w, n);
  for (let panel = from; panel < to; panel++) {
    const plane = <usize>panel * planeBytes(op.images * h * w);
    if (op.db != 0) v128.store(op.db + 16 * <usize>panel, sumPlane(op.dy + plane, op.images * h * w));
    let x = op.x + plane;
    let dy = op.dy + plane;
    memory.fill(sums, 0, sumRowBytes * <usize>kernel);
    for (let image = 0; image < op.images; image++) {
      copyInside(bordered, x, h, w, n);
      for (let i = 0; i < kernel; i++) {
        // Rows of dy whose input for this row of taps is inside the map.
        const top = max(0, n - i);
        const rows = min(h, h + n - i) - top;
        if (rows <= 0) continue;
        const gradient = dy + rowBytes * <usize>top;
        const input = bordered + pitchBytes * <usize>(top + i - n);
        for (let pass = 0; pass < passes; pass++) {
          const j: usize = PIXEL * <usize>(pass * PASS);
          sevenTaps(sums + sumRowBytes * <usize>i + j, gradient, input + j, rows, w, pitchBytes);
        }
      }
      x += mapBytes;
      dy += mapBytes;
    }
    let dw = op.dw + PIXEL * <usize>(panel * kernel * kernel);
    for (let i = 0; i < kernel; i++) {
      memory.copy(dw, sums + sumRowBytes * <usize>i, PIXEL * <usize>kernel);
      dw += PIXEL * <usize>kernel;
    }
  }
}

/** sums[j] += Σ dy[·] · x[· + j] for seven j, over rows of w pixels; rows of x are `pitchBytes` apart. */
function sevenTaps(sums: usize, dy: usize, x: usize, rows: i32, w: i32, pitchBytes: usize): void {
  let s0 = v128.load(sums);
  let s1 = v128.load(sums, 16);
  let s2 = v128.load(sums, 32);
  let s3 = v128.load(sums, 48);
  let s4 = v128.load(sums, 64);
  let s5 = v128.load(sums, 80);
  let s6 = v128.load(sums, 96);
  const skip = pitchBytes - PIXEL * <usize>w;
  do {
    let p = w;
    do {
      const g = v128.load(dy);
      s0 = madd(g, v128.load(x), s0);
      s1 = madd(g, v128.load(x, 16), s1);
      s2 = madd(g, v128.load(x, 32), s2);
      s3 = madd(g, v128.load(x, 48), s3);
      s4 = madd(g, v128.load(x, 64), s4);
      s5 = madd(g, v128.load(x, 80), s5);
      s6 = madd(g, v128.load(x, 96), s6);
      dy += PIXEL;
      x += PIXEL;
    } while (--p);
    x += skip;
  } while (--rows);
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
  v128.store(sums, s6, 96);
}
