import { madd } from '../shared/simd';

/** Bytes of scratch that `depthwiseConv2d` needs: one zero-padded plane, if it computes in blocks. */
export function depthwiseConv2dScratch(h: i32, w: i32, kh: i32, kw: i32, stride: i32, padding: i32): f64 {
  const oh = (h + 2 * padding - kh) / stride + 1;
  const ow = (w + 2 * padding - kw) / stride + 1;
  return inBlocks(oh, ow, stride) ? 4 * <f64>(h + 2 * padding) * (w + 2 * padding) : 0;
}

/**
 * y[c,·] = bias[c] + Σ_{i,j} weight[c,i,j] · x[c, ·stride − padding + (i,j)]; one image, f32.
 *
 * x [c,h,w], weight [c,kh,kw], bias [c] or the null pointer, y [c,oh,ow] with
 * oh = ⌊(h + 2·padding − kh)/stride⌋ + 1 ≥ 1.
 * Requires all pointers on multiples of 16 and scratch of `depthwiseConv2dScratch` bytes; blocks must not overlap.
 * Loop order: channel, then blocks of 4x4 outputs over a zero-padded copy of the plane, then the taps row by row. If the
 * output size is not a multiple of 4, the last block overlaps the previous one and writes the same numbers again. Maps
 * smaller than 4x4 and strides above 1 are computed output by output over the taps inside x.
 */
export function depthwiseConv2d(
  y: usize,
  x: usize,
  weight: usize,
  bias: usize,
  scratch: usize,
  c: i32,
  h: i32,
  w: i32,
  kh: i32,
  kw: i32,
  stride: i32,
  padding: i32,
): void {
  assert(((y | x | weight | bias | scratch) & 15) == 0, 'depthwiseConv2d: pointers must lie on multiples of 16');
  assert(stride > 0 && padding >= 0, 'depthwiseConv2d: stride must be at least 1 and padding at least 0');
  assert(h + 2 * padding >= kh && w + 2 * padding >= kw, 'depthwiseConv2d: the kernel must fit into the padded map');
  const oh = (h + 2 * padding - kh) / stride + 1;
  const ow = (w + 2 * padding - kw) / stride + 1;
  const blocks = inBlocks(oh, ow, stride);
  const paddedBytes: usize = 4 * <usize>(w + 2 * padding);
  if (blocks) memory.fill(scratch, 0, <usize>(h + 2 * padding) * paddedBytes);
  for (let channel = 0; channel < c; channel++) {
    const start: f32 = bias ? load<f32>(bias) : 0;
    if (blocks) {
      copyInto(scratch + <usize>padding * paddedBytes + 4 * <usize>padding, paddedBytes, x, h, w);
      for (let oy = 0; oy < oh; oy += 4) {
        const top = min(oy, oh - 4);
        for (let ox = 0; ox < ow; ox += 4) {
          const left: usize = 4 * <usize>min(ox, ow - 4);
          block4x4(
            y + 4 * <usize>top * ow + left,
            4 * <usize>ow,
            scratch + <usize>top * paddedBytes + left,
            paddedBytes,
            weight,
            start,
            kh,
            kw,
          );
        }
      }
    } else {
      for (let oy = 0; oy < oh; oy++) {
        for (let ox = 0; ox < ow; ox++) {
          const value = window(x, h, w, weight, kh, kw, oy * stride - padding, ox * stride - padding);
          store<f32>(y + 4 * <usize>(oy * ow + ox), start + value);
        }
      }
    }
    y += 4 * <usize>oh * ow;
    x += 4 * <usize>h * w;
    weight += 4 * <usize>kh * kw;
    if (bias) bias += 4;
  }
}

function inBlocks(oh: i32, ow: i32, stride: i32): bool {
  return stride == 1 && oh >= 4 && ow >= 4;
}

/** Copies x [h,w] into the padded plane. Its border is zeroed once, for all channels. */
function copyInto(padded: usize, paddedBytes: usize, x: usize, h: i32, w: i32): void {
  for (let i = 0; i < h; i++) {
    memory.copy(padded, x, 4 * <usize>w);
    padded += paddedBytes;
    x += 4 * <usize>w;
  }
}

/**
 * A block of 4x4 outputs at stride 1: y = start + Σ weight[i,j] · x[·+i, ·+j].
 * Requires 3 + kh rows and 3 + kw columns of x; no alignment.
 */
function block4x4(y: usize, yBytes: usize, x: usize, xBytes: usize, weight: usize, start: f32, kh: i32, kw: i32): void {
  let y0 = f32x4.splat(start);
  let y1 = y0;
  let y2 = y0;
  let y3 = y0;
  for (let i = 0; i < kh; i++) {
    let x0 = x;
    for (let j = 0; j < kw; j++) {
      const tap = v128.load_splat<f32>(weight);
      const x2 = x0 + 2 * xBytes;
      y0 = madd(tap, v128.load(x0), y0);
      y1 = madd(tap, v128.load(x0 + xBytes), y1);
      y2 = madd(tap, v128.load(x2), y2);
      y3 = madd(tap, v128.load(x2 + xBytes), y3);
      weight += 4;
      x0 += 4;
    }
    x += xBytes;
  }
  v128.store(y, y0);
  v128.store(y + yBytes, y1);
  v128.store(y + 2 * yBytes, y2);
  v128.store(y + 3 * yBytes, y3);
}

/** Σ weight[i,j] · x[top+i, left+j] over the taps inside x [h,w]. */
function window(x: usize, h: i32, w: i32, weight: usize, kh: i32, kw: i32, top: i32, left: i32): f32 {
  let total: f32 = 0;
  for (let i = max(0, -top); i < min(kh, h - top); i++) {
    for (let j = max(0, -left); j < min(kw, w - left); j++) {
      const at: usize = 4 * <usize>((top + i) * w + left + j);
      total += load<f32>(weight + 4 * <usize>(i * kw + j)) * load<f32>(x + at);
    }
  }
  return total;
}
