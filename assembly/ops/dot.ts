import { madd } from '../shared/simd';
import { sum } from './sum';

/**
 * Σ a[p]·b[p] over p < k, f32.
 *
 * Requires no alignment; writes nothing.
 * Loop order: two sums of four lanes each, eight elements an iteration; then the last k mod 8
 * elements one by one.
 */
export function dot(a: usize, b: usize, k: i32): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let p = 0;
  for (; p + 8 <= k; p += 8) {
    even = madd(v128.load(a), v128.load(b), even);
    odd = madd(v128.load(a, 16), v128.load(b, 16), odd);
    a += 32;
    b += 32;
  }
  let total = sum(f32x4.add(even, odd));
  for (; p < k; p++) {
    total += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return total;
}
