/** What a machine can reach at most: for bench/engine.ts, no part of the shipped modules. */
import { madd } from '../simd';
import { tile4x8 } from '../tile4x8';

export { tile4x8 };

/** Room for the benchmark's blocks begins here. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Eight sums in registers: 32 multiply-adds an iteration, and nothing else.
 * Returns a number made of all of them, so that none is left out.
 */
export function registerLoop(iterations: i32): f32 {
  let s0 = f32x4.splat(1);
  let s1 = f32x4.splat(2);
  let s2 = f32x4.splat(3);
  let s3 = f32x4.splat(4);
  let s4 = f32x4.splat(5);
  let s5 = f32x4.splat(6);
  let s6 = f32x4.splat(7);
  let s7 = f32x4.splat(8);
  const a = f32x4.splat(0.5);
  const b = f32x4.splat(0.25);
  do {
    s0 = madd(a, s0, b);
    s1 = madd(a, s1, b);
    s2 = madd(a, s2, b);
    s3 = madd(a, s3, b);
    s4 = madd(a, s4, b);
    s5 = madd(a, s5, b);
    s6 = madd(a, s6, b);
    s7 = madd(a, s7, b);
  } while (--iterations);
  const total = f32x4.add(
    f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)),
    f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7)),
  );
  return f32x4.extract_lane(total, 0);
}
