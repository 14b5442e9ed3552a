/**
 * Operations on vectors of four floats. Without `@inline`: the optimizer inlines functions of this size anyway, and prettier
 * cannot parse a decorated function.
 */

/** a·b + c, lane by lane. Rounds twice; in the relaxed build once or twice, depending on the machine. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The maximum of m and v, lane by lane: m if they are equal, NaN if either is NaN. */
export function max(m: v128, v: v128): v128 {
  return v128.bitselect(v, m, v128.or(f32x4.gt(v, m), f32x4.ne(v, v)));
}

/** max(0, v), lane by lane; NaN propagates. */
export function relu(v: v128): v128 {
  return f32x4.pmax(v, f32x4.splat(0));
}
