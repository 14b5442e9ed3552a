import { gemm, gemmScratch } from './gemm';

/** Bytes of scratch that `conv2d` needs: the columns, unless the kernel is pointwise, and the scratch of gemm. */
export function conv2dScratch(c: i32, h: i32, w: i32, k: i32, kh: i32, kw: i32, stride: i32, padding: i32): f64 {
  const oh = (h + 2 * padding - kh) / stride + 1;
  const ow = (w + 2 * padding - kw) / stride + 1;
  const columns = isPointwise(kh, kw, stride, padding) ? 0 : columnFloats(c * kh * kw, oh * ow);
  return 4 * columns + gemmScratch(k, oh * ow, c * kh * kw);
}

/**
 * y[k,·] = bias[k] + Σ_{c,i,j} weight[k,c,i,j] · x[c, ·stride − padding + (i,j)]; one image, f32.
 *
 * x [c,h,w], weight [k,c,kh,kw], bias [k] or the null pointer, y [k,oh,ow] with
 * oh = ⌊(h + 2·padding − kh)/stride⌋ + 1 ≥ 1.
 * Requires all pointers on multiples of 16 and scratch of `conv2dScratch` bytes; blocks must not overlap.
 * Loop order: first y = bias; then the windows are copied into columns [c·kh·kw, oh·ow] (a 1x1 kernel with stride 1 uses x
 * directly); then one matrix product.
 */
export function conv2d(
  y: usize,
  x: usize,
  weight: usize,
  bias: usize,
  scratch: usize,
  c: i32,
  h: i32,
  w: i32,
  k: i32,
  kh: i32,
  kw: i32,
  stride: i32,
  padding: i32,
): void {
  assert(((y | x | weight | bias | scratch) & 15) == 0, 'conv2d: pointers must lie on multiples of 16');
  assert(stride > 0 && padding >= 0, 'conv2d: stride must be at least 1 and padding at least 0');
  const oh = (h + 2 * padding - kh) / stride + 1;
  const ow = (w + 2 * padding - kw) / stride + 1;
  assert(h + 2 * padding >= kh && w + 2 * padding >= kw, 'conv2d: the kernel must fit into the padded map');
  const size = oh * ow;
  for (let o = 0; o < k; o++) {
    const value = bias ? load<f32>(bias + 4 * <usize>o) : 0;
    const plane = y + 4 * <usize>o * size;
    for (let i: usize = 0; i < 4 * <usize>size; i += 4) store<f32>(plane + i, value);
  }
  const depth = c * kh * kw;
  if (isPointwise(kh, kw, stride, padding)) {
    gemm(y, weight, x, scratch, k, size, depth);
  } else {
    im2col(scratch, x, c, h, w, kh, kw, oh, ow, stride, padding);
    gemm(y, weight, scratch, scratch + 4 * <usize>columnFloats(depth, size), k, size, depth);
  }
}

function isPointwise(kh: i32, kw: i32, stride: i32, padding: i32): bool {
  return kh == 1 && kw == 1 && stride == 1 && padding == 0;
}

/** Floats of the columns, rounded up to 16 bytes so that the next block is aligned. */
function columnFloats(depth: i32, size: i32): f64 {
  return Math.ceil((<f64>depth * size) / 4) * 4;
}

/**
 * columns[(c,i,j), (oy,ox)] = x[c, oy·stride − padding + i, ox·stride − padding + j], 0 outside of x.
 * Loop order: that of the columns, element by element.
 */
function im2col(
  columns: usize,
  x: usize,
  c: i32,
  h: i32,
  w: i32,
  kh: i32,
  kw: i32,
  oh: i32,
  ow: i32,
  stride: i32,
  padding: i32,
): void {
  for (let channel = 0; channel < c; channel++) {
    for (let i = 0; i < kh; i++) {
      for (let j = 0; j < kw; j++) {
        for (let oy = 0; oy < oh; oy++) {
          const iy = oy * stride - padding + i;
          // One comparison of unsigned numbers: negative rows and columns become large ones.
          const inside = <u32>iy < <u32>h;
          const row = x + 4 * <usize>(iy * w);
          for (let ox = 0; ox < ow; ox++) {
            const ix = ox * stride - padding + j;
            store<f32>(columns, inside && <u32>ix < <u32>w ? load<f32>(row + 4 * <usize>ix) : 0);
            columns += 4;
          }
        }
      }
    }
    x += 4 * <usize>h * w;
  }
}
