/** Measures the highest rate of multiply-adds of a machine. Used by bench/engine.ts and tests, not shipped. */
import { madd } from '../shared/simd';
import { gemm4x8 } from '../shared/gemm4x8';
import { gemm6x8 } from '../shared/gemm6x8';
import { planes4x8 } from '../training/planes4x8';

export { gemm4x8, gemm6x8, planes4x8 };

/** Start of free memory, for the blocks of the benchmark. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Eight sums in registers, as many as a 4x8 tile has: s = a·s + b, 32 multiply-adds an iteration. Each sum waits for its
 * previous result, so that the rate is limited by the latency of the arithmetic, not by its throughput.
 *
 * Returns a combination of all sums, so that the compiler cannot drop one. a and b are arguments, because constants would
 * be loaded in every iteration.
 */
export function eightSums(iterations: i32, x: f32, y: f32): f32 {
  const a = f32x4.splat(x);
  const b = f32x4.splat(y);
  let s0 = a;
  let s1 = b;
  let s2 = f32x4.add(a, b);
  let s3 = f32x4.add(s2, b);
  let s4 = f32x4.add(s3, b);
  let s5 = f32x4.add(s4, b);
  let s6 = f32x4.add(s5, b);
  let s7 = f32x4.add(s6, b);
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

/** As `eightSums` with twelve sums, 48 multiply-adds an iteration, which hides the latency of multiplication and addition. */
export function twelveSums(iterations: i32, x: f32, y: f32): f32 {
  const a = f32x4.splat(x);
  const b = f32x4.splat(y);
  let s0 = a;
  let s1 = b;
  let s2 = f32x4.add(s1, b);
  let s3 = f32x4.add(s2, b);
  let s4 = f32x4.add(s3, b);
  let s5 = f32x4.add(s4, b);
  let s6 = f32x4.add(s5, b);
  let s7 = f32x4.add(s6, b);
  let s8 = f32x4.add(s7, b);
  let s9 = f32x4.add(s8, b);
  let s10 = f32x4.add(s9, b);
  let s11 = f32x4.add(s10, b);
  do {
    s0 = madd(a, s0, b);
    s1 = madd(a, s1, b);
    s2 = madd(a, s2, b);
    s3 = madd(a, s3, b);
    s4 = madd(a, s4, b);
    s5 = madd(a, s5, b);
    s6 = madd(a, s6, b);
    s7 = madd(a, s7, b);
    s8 = madd(a, s8, b);
    s9 = madd(a, s9, b);
    s10 = madd(a, s10, b);
    s11 = madd(a, s11, b);
  } while (--iterations);
  const first = f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(s4, s5));
  const second = f32x4.add(f32x4.add(f32x4.add(s6, s7), f32x4.add(s8, s9)), f32x4.add(s10, s11));
  return f32x4.extract_lane(f32x4.add(first, second), 0);
}
