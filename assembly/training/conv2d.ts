import { transpose4x4 } from '../shared/transpose4x4';
import { packPlane } from './packPlane';
import { PIXEL, planeBytes } from './planes';
import { sumPlane } from './sumPlane';
import { planes4x8 } from './planes4x8';

/** Depth of a block of the product: its weights, 1024x8 float32, are 32 kB, the size of a common L1 cache. */
const DEPTH: i32 = 1024;
/** Pixels of a block of the weight's gradient: two planes of them are 16 kB. */
const PIXELS: i32 = 512;

/**
 * A 1x1 convolution over planes. The stem is one over the windows of images, the classifier one over pooled features.
 * Written by src/wasm/training/units.ts.
 *
 *     y[k,p] = bias[k] + Σ_c weight[k,c] · x[c,p]
 *     dx[c,p] = Σ_k weight[k,c] · dy[k,p]     dw[k,c] = Σ_p dy[k,p] · x[c,p]     db[k] = Σ_p dy[k,p]
 */
@unmanaged
export class Conv2d {
  /** Planes of c and k channels. */
  x: usize;
  y: usize;
  dx: usize;
  dy: usize;
  /** [k/4][c][4] */
  weight: usize;
  /** [k] */
  bias: usize;
  dw: usize;
  db: usize;
  /** The weight transposed for dx, [c/4][k][4]. */
  transposed: usize;
  /** x or dy as panels: see packPlane.ts. */
  panels: usize;
  pixels: i32;
  c: i32;
  k: i32;
}

/** panels ← x. Planes `from` to `to` (exclusive) of c/4. */
export function packX(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  pack(conv.panels, conv.x, conv.pixels, conv.c, from, to);
}

/** panels ← dy. Planes `from` to `to` (exclusive) of k/4. */
export function packDy(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  pack(conv.panels, conv.dy, conv.pixels, conv.k, from, to);
}

function pack(panels: usize, planes: usize, pixels: i32, channels: i32, from: i32, to: i32): void {
  const pitchBytes = planeBytes(pixels);
  for (let at = from; at < to; at++) packPlane(panels, planes + pitchBytes * <usize>at, pixels, channels, at);
}

/** y of eight channels a panel, `from` to `to` of k/8, from panels of x. */
export function multiplyX(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  for (let panel = from; panel < to; panel++) {
    const bias = conv.bias + 32 * <usize>panel;
    multiply(conv.y, conv.panels, conv.weight, v128.load(bias), v128.load(bias, 16), conv.pixels, conv.c, panel);
  }
}

/** dx of eight channels a panel, `from` to `to` of c/8, from panels of dy and the transposed weight. */
export function multiplyDy(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  const zero = f32x4.splat(0);
  for (let panel = from; panel < to; panel++) {
    multiply(conv.dx, conv.panels, conv.transposed, zero, zero, conv.pixels, conv.k, panel);
  }
}

/**
 * Loop order: first y = start; then depth in blocks of 1024, whose weights stay in L1 while the loop runs over all pixels.
 */
function multiply(
  planes: usize,
  panels: usize,
  weight: usize,
  startLow: v128,
  startHigh: v128,
  pixels: i32,
  depth: i32,
  panel: i32,
): void {
  const pitchBytes = planeBytes(pixels);
  const low = planes + 2 * <usize>panel * pitchBytes;
  const high = low + pitchBytes;
  for (let at: usize = 0; at < pitchBytes; at += PIXEL) {
    v128.store(low + at, startLow);
    v128.store(high + at, startHigh);
  }
  const groupBytes: usize = 16 * <usize>depth;
  let b0 = weight + 2 * <usize>panel * groupBytes;
  let b1 = b0 + groupBytes;
  for (let k = 0; k < depth; k += DEPTH) {
    const block = min(depth - k, DEPTH);
    let a = panels + 16 * <usize>k;
    for (let at: usize = 0; at < pitchBytes; at += 4 * PIXEL) {
      planes4x8(low + at, high + at, PIXEL, a, b0, b1, block);
      a += groupBytes;
    }
    b0 += 16 * DEPTH;
    b1 += 16 * DEPTH;
  }
}

/** transposed ← weight. Blocks of four inputs `from` to `to` of c/4. Loop order: 4x4 at a time. */
export function transposeWeight(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  const rowBytes: usize = 16 * <usize>conv.c;
  for (let block = from; block < to; block++) {
    let x = conv.weight + 64 * <usize>block;
    let y = conv.transposed + 16 * <usize>conv.k * block;
    for (let k = 0; k < conv.k; k += 4) {
      transpose4x4(y, v128.load(x), v128.load(x, 16), v128.load(x, 32), v128.load(x, 48));
      x += rowBytes;
      y += 64;
    }
  }
}

/**
 * dw and db of eight outputs a panel, `from` to `to` (exclusive) of k/8.
 * Loop order: pixels in blocks of 512, whose dy stays in L1 while the loop runs over all channels of x; each sum pixel by
 * pixel.
 */
export function multiplyXDy(address: usize, from: i32, to: i32): void {
  const conv = changetype<Conv2d>(address);
  const pixels = conv.pixels;
  const pitchBytes = planeBytes(pixels);
  const rowBytes: usize = 16 * <usize>conv.c;
  for (let panel = from; panel < to; panel++) {
    const low = conv.dw + 2 * <usize>panel * rowBytes;
    const high = low + rowBytes;
    memory.fill(low, 0, 2 * rowBytes);
    const dy0 = conv.dy + 2 * <usize>panel * pitchBytes;
    const dy1 = dy0 + pitchBytes;
    for (let p = 0; p < pixels; p += PIXELS) {
      const block = min(pixels - p, PIXELS);
      const at: usize = PIXEL * <usize>p;
      let x = conv.x + at;
      for (let row: usize = 0; row < rowBytes; row += 64) {
        planes4x8(low + row, high + row, 16, x, dy0 + at, dy1 + at, block);
        x += pitchBytes;
      }
    }
    const db = conv.db + 32 * <usize>panel;
    v128.store(db, sumPlane(dy0, pixels));
    v128.store(db, sumPlane(dy1, pixels), 16);
  }
}
