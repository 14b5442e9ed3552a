/**
 * Windows of adaptive pooling: output i of `count` covers rows (or columns)
 * [windowStart(i), windowEnd(i)) of `size`. Computed in 64 bits, because the product may exceed 2³¹.
 */

/** ⌊i·size/count⌋ */
export function windowStart(i: i32, size: i32, count: i32): i32 {
  return <i32>((<i64>i * size) / count);
}

/** ⌈(i+1)·size/count⌉ */
export function windowEnd(i: i32, size: i32, count: i32): i32 {
  return <i32>((<i64>(i + 1) * size + count - 1) / count);
}
