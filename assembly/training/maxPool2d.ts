import { windowEnd, windowStart } from '../shared/poolWindow';
import { max } from '../shared/simd';
import { PIXEL, planeBytes } from './planes';

/**
 * A pool followed by ReLU: y = max(0, max of the window). As in ../inference/poolPanel.ts, a pool with a stride is an
 * adaptive pool of the part that its windows cover; without a pool, each window is one pixel.
 */
@unmanaged
export class MaxPool2d {
  /** Planes of h x w maps. */
  x: usize;
  dx: usize;
  /** Planes of oh x ow maps. */
  y: usize;
  dy: usize;
  n: i32;
  h: i32;
  w: i32;
  /** The part that windows cover. */
  rows: i32;
  columns: i32;
  oh: i32;
  ow: i32;
}

/** y, four channels a panel. NaN propagates. Loop order: output by output, each window in scan order. */
export function maxPool2d(address: usize, from: i32, to: i32): void {
  const op = changetype<MaxPool2d>(address);
  const zero = f32x4.splat(0);
  const rowBytes: usize = PIXEL * <usize>op.w;
  for (let panel = from; panel < to; panel++) {
    let x = op.x + <usize>panel * planeBytes(op.n * op.h * op.w);
    let y = op.y + <usize>panel * planeBytes(op.n * op.oh * op.ow);
    for (let image = 0; image < op.n; image++) {
      for (let oy = 0; oy < op.oh; oy++) {
        const top = x + rowBytes * <usize>windowStart(oy, op.rows, op.oh);
        const bottom = x + rowBytes * <usize>windowEnd(oy, op.rows, op.oh);
        for (let ox = 0; ox < op.ow; ox++) {
          const left = PIXEL * <usize>windowStart(ox, op.columns, op.ow);
          const right = PIXEL * <usize>windowEnd(ox, op.columns, op.ow);
          let largest = v128.load(top + left);
          for (let row = top; row < bottom; row += rowBytes) {
            for (let at = left; at < right; at += PIXEL) largest = max(largest, v128.load(row + at));
          }
          v128.store(y, f32x4.pmax(largest, zero));
          y += PIXEL;
        }
      }
      x += rowBytes * <usize>op.h;
    }
  }
}

/**
 * dx: the first maximum of each window in scan order gets dy if the maximum is positive.
 * Four channels a panel; windows may overlap. Loop order: that of `maxPool2d`.
 */
export function maxPool2dBackward(address: usize, from: i32, to: i32): void {
  const op = changetype<MaxPool2d>(address);
  const zero = f32x4.splat(0);
  const rowBytes: usize = PIXEL * <usize>op.w;
  const mapBytes = rowBytes * <usize>op.h;
  for (let panel = from; panel < to; panel++) {
    const plane = <usize>panel * planeBytes(op.n * op.h * op.w);
    const pooled = <usize>panel * planeBytes(op.n * op.oh * op.ow);
    let x = op.x + plane;
    let dx = op.dx + plane;
    let y = op.y + pooled;
    let dy = op.dy + pooled;
    memory.fill(dx, 0, mapBytes * <usize>op.n);
    for (let image = 0; image < op.n; image++) {
      for (let oy = 0; oy < op.oh; oy++) {
        const top = rowBytes * <usize>windowStart(oy, op.rows, op.oh);
        const bottom = rowBytes * <usize>windowEnd(oy, op.rows, op.oh);
        for (let ox = 0; ox < op.ow; ox++) {
          const left = PIXEL * <usize>windowStart(ox, op.columns, op.ow);
          const right = PIXEL * <usize>windowEnd(ox, op.columns, op.ow);
          const largest = v128.load(y);
          const g = v128.load(dy);
          // Channels whose maximum is not found yet; none if it is not positive.
          let open = f32x4.gt(largest, zero);
          for (let row = top; row < bottom; row += rowBytes) {
            for (let at = row + left; at < row + right; at += PIXEL) {
              const here = v128.and(open, f32x4.eq(v128.load(x + at), largest));
              v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(here, g)));
              open = v128.andnot(open, here);
            }
          }
          y += PIXEL;
          dy += PIXEL;
        }
      }
      x += mapBytes;
      dx += mapBytes;
    }
  }
}
