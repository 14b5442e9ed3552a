import { LANES } from './accumulate';
import { madd } from './simd';

/**
 * y[r,s] = bias + Σ_i Σ_j w[i,j] · x[r + i − p, s + j − p] for one channel in f64, without the taps outside of x.
 *
 * x and y [height,width], w [2p+1,2p+1].
 * Blocks must not overlap.
 * Loop order: row by row, and tap by tap in each row, so that each y adds its taps in their order.
 */
export function depthwise(y: usize, x: usize, w: usize, bias: f64, height: i32, width: i32, p: i32): void {
  assert(height > 0 && width > 0 && p >= 0, 'depthwise: sizes must be at least 1');
  const size = 2 * p + 1;
  for (let r = 0; r < height; r++, y += 8 * <usize>width) {
    for (let s = 0; s < width; s++) store<f64>(y + 8 * <usize>s, bias);
    for (let i = max(0, p - r); i < min(size, height + p - r); i++) {
      const row = x + 8 * <usize>(r + i - p) * width;
      for (let j = max(0, p - width + 1); j < min(size, width + p); j++) {
        const from = max(0, p - j);
        addScaled(
          y + 8 * <usize>from,
          row + 8 * <usize>(from + j - p),
          load<f64>(w + 8 * <usize>(i * size + j)),
          min(width, width + p - j) - from,
        );
      }
    }
  }
}

/** y += a·x for `count` doubles. */
function addScaled(y: usize, x: usize, a: f64, count: i32): void {
  const factor = f64x2.splat(a);
  for (; count >= 2; count -= 2, x += 16, y += 16) v128.store(y, madd(factor, v128.load(x), v128.load(y)));
  if (count > 0) store<f64>(y, load<f64>(y) + a * load<f64>(x));
}

/**
 * dx[r,s,·] = Σ dy[r + p − i, s + p − j, ·] · w[i,j] for one channel in f64, over the outputs that read x[r,s], in scan
 * order; `·` are the lanes.
 *
 * dx and dy [height,width,LANES], w [2p+1,2p+1].
 * Blocks must not overlap.
 * Loop order: the lanes of one pixel stay in registers.
 */
export function depthwiseBackward(dx: usize, dy: usize, w: usize, height: i32, width: i32, p: i32): void {
  assert(height > 0 && width > 0 && p >= 0, 'depthwiseBackward: sizes must be at least 1');
  const size = 2 * p + 1;
  const pixelBytes: usize = 8 * LANES;
  for (let r = 0; r < height; r++) {
    const top = max(0, r - p);
    const bottom = min(height - 1, r + p);
    for (let s = 0; s < width; s++, dx += pixelBytes) {
      const left = max(0, s - p);
      const count = min(width - 1, s + p) - left + 1;
      let s0 = f64x2.splat(0);
      let s1 = f64x2.splat(0);
      let s2 = f64x2.splat(0);
      let s3 = f64x2.splat(0);
      let s4 = f64x2.splat(0);
      let s5 = f64x2.splat(0);
      let s6 = f64x2.splat(0);
      let s7 = f64x2.splat(0);
      for (let from = top; from <= bottom; from++) {
        let g = dy + pixelBytes * <usize>(from * width + left);
        // Taps descend while outputs ascend.
        let tap = w + 8 * <usize>((r - from + p) * size + (s - left + p));
        for (let j = 0; j < count; j++, g += pixelBytes, tap -= 8) {
          const a = v128.load_splat<f64>(tap);
          s0 = madd(v128.load(g), a, s0);
          s1 = madd(v128.load(g, 16), a, s1);
          s2 = madd(v128.load(g, 32), a, s2);
          s3 = madd(v128.load(g, 48), a, s3);
          s4 = madd(v128.load(g, 64), a, s4);
          s5 = madd(v128.load(g, 80), a, s5);
          s6 = madd(v128.load(g, 96), a, s6);
          s7 = madd(v128.load(g, 112), a, s7);
        }
      }
      v128.store(dx, s0);
      v128.store(dx, s1, 16);
      v128.store(dx, s2, 32);
      v128.store(dx, s3, 48);
      v128.store(dx, s4, 64);
      v128.store(dx, s5, 80);
      v128.store(dx, s6, 96);
      v128.store(dx, s7, 112);
    }
  }
}
