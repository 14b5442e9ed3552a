/**
 * y = x if x > 0, else λ·x; f32. λ = 0 is ReLU, λ = 1 the identity; NaN propagates.
 *
 * Requires y and x on multiples of 16; y may equal x, but must not overlap it otherwise.
 * Loop order: four elements an iteration, then the last size mod 4 one by one.
 */
export function leakyRelu(y: usize, x: usize, size: i32, lambda: f32): void {
  assert(((y | x) & 15) == 0, 'leakyRelu: pointers must lie on multiples of 16');
  const zero = f32x4.splat(0);
  const slope = f32x4.splat(lambda);
  let i = 0;
  for (; i + 4 <= size; i += 4) {
    const v = v128.load(x);
    v128.store(y, v128.bitselect(v, f32x4.mul(slope, v), f32x4.gt(v, zero)));
    x += 16;
    y += 16;
  }
  for (; i < size; i++) {
    const v = load<f32>(x);
    store<f32>(y, v > 0 ? v : lambda * v);
    x += 4;
    y += 4;
  }
}
