import { sum } from './sum';

/**
 * y[c] = (1/(h·w)) Σ x[c,·,·]; one image, f32.
 *
 * x [c,h,w], y [c]. Requires y and x on multiples of 16; blocks must not overlap.
 * Loop order: channel, then the plane in four sums, then its last h·w mod 4 elements one by one; then one division.
 */
export function globalAvgPool(y: usize, x: usize, c: i32, h: i32, w: i32): void {
  assert(((y | x) & 15) == 0, 'globalAvgPool: pointers must lie on multiples of 16');
  assert(h > 0 && w > 0, 'globalAvgPool: the map must be at least 1x1');
  const size = h * w;
  for (let channel = 0; channel < c; channel++) {
    let lanes = f32x4.splat(0);
    let i = 0;
    for (; i + 4 <= size; i += 4) {
      lanes = f32x4.add(lanes, v128.load(x));
      x += 16;
    }
    let total = sum(lanes);
    for (; i < size; i++) {
      total += load<f32>(x);
      x += 4;
    }
    store<f32>(y, total / <f32>size);
    y += 4;
  }
}
