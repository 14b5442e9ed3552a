import { madd } from '../shared/simd';

/**
 * y[j] = bias[j] + Σ_k x[k] · weight[k,j], eight outputs a panel, f32.
 *
 * x [depth], weight [panels][depth][8], bias and y [panels][8]. Computes panels `from` to `to` (exclusive).
 * Requires an even depth ≥ 2; blocks must not overlap.
 * Loop order: panel, then k; two steps of k an iteration, in separate sums.
 */
export function linear(y: usize, x: usize, weight: usize, bias: usize, depth: i32, from: i32, to: i32): void {
  assert(depth > 0 && (depth & 1) == 0, 'linear: depth must be even and at least 2');
  const end = x + 4 * <usize>depth;
  weight += 32 * <usize>from * depth;
  for (let panel = from; panel < to; panel++) {
    const at: usize = 32 * <usize>panel;
    let low = v128.load(bias + at);
    let high = v128.load(bias + at, 16);
    let oddLow = f32x4.splat(0);
    let oddHigh = oddLow;
    for (let k = x; k < end; k += 8) {
      const even = v128.load_splat<f32>(k);
      const odd = v128.load_splat<f32>(k, 4);
      low = madd(even, v128.load(weight), low);
      high = madd(even, v128.load(weight, 16), high);
      oddLow = madd(odd, v128.load(weight, 32), oddLow);
      oddHigh = madd(odd, v128.load(weight, 48), oddHigh);
      weight += 64;
    }
    v128.store(y + at, f32x4.add(low, oddLow));
    v128.store(y + at, f32x4.add(high, oddHigh), 16);
  }
}
