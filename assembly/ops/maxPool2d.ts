import { max } from '../shared/simd';
import { windowMax } from './windowMax';

/**
 * y[c,oy,ox] = max x[c, oy·stride + i, ox·stride + j] over i, j < kernelSize; one image, f32.
 *
 * x [c,h,w], y [c,oh,ow] with oh = ⌊(h − kernelSize)/stride⌋ + 1 ≥ 1: rows and columns that fill no window are dropped.
 * NaN propagates, as in PyTorch.
 * Requires y and x on multiples of 16; blocks must not overlap.
 * Loop order: output by output, each window in scan order. 2x2 windows with stride 2 are computed four at a time, the last
 * ow mod 4 of a row one by one.
 */
export function maxPool2d(y: usize, x: usize, c: i32, h: i32, w: i32, kernelSize: i32, stride: i32): void {
  assert(((y | x) & 15) == 0, 'maxPool2d: pointers must lie on multiples of 16');
  assert(kernelSize > 0 && stride > 0, 'maxPool2d: kernelSize and stride must be at least 1');
  assert(h >= kernelSize && w >= kernelSize, 'maxPool2d: the window must fit into the map');
  const oh = (h - kernelSize) / stride + 1;
  const ow = (w - kernelSize) / stride + 1;
  const halves = kernelSize == 2 && stride == 2;
  for (let channel = 0; channel < c; channel++) {
    for (let oy = 0; oy < oh; oy++) {
      const top = oy * stride;
      let ox = 0;
      if (halves) {
        let row = x + 4 * <usize>top * w;
        for (; ox + 4 <= ow; ox += 4) {
          v128.store(y, halve(row, row + 4 * <usize>w));
          row += 32;
          y += 16;
        }
      }
      for (; ox < ow; ox++) {
        const left = ox * stride;
        store<f32>(y, windowMax(x, w, top, top + kernelSize, left, left + kernelSize));
        y += 4;
      }
    }
    x += 4 * <usize>h * w;
  }
}

/** The maxima of four adjacent 2x2 windows, each in scan order. */
function halve(upper: usize, lower: usize): v128 {
  const u0 = v128.load(upper);
  const u1 = v128.load(upper, 16);
  const l0 = v128.load(lower);
  const l1 = v128.load(lower, 16);
  const above = max(v128.shuffle<f32>(u0, u1, 0, 2, 4, 6), v128.shuffle<f32>(u0, u1, 1, 3, 5, 7));
  return max(max(above, v128.shuffle<f32>(l0, l1, 0, 2, 4, 6)), v128.shuffle<f32>(l0, l1, 1, 3, 5, 7));
}
