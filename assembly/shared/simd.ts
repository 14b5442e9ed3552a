/**
 * What the kernels say in one word. The one file in which a plain and a relaxed
 * build differ. No `@inline`: these are small enough for the optimizer to inline
 * them unasked, and prettier cannot read a decorated function.
 */

/** a·b + c, lane by lane; rounds twice, and in the relaxed build as often as the machine likes. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The larger of m and v, lane by lane: m where they are equal, NaN where either is NaN. */
export function max(m: v128, v: v128): v128 {
  return v128.bitselect(v, m, v128.or(f32x4.gt(v, m), f32x4.ne(v, v)));
}

/** max(0, v), lane by lane; NaN stays NaN. */
export function relu(v: v128): v128 {
  return f32x4.pmax(v, f32x4.splat(0));
}
