import { madd } from './simd';

/**
 * C += A·B for one tile: C 4x8 with rows `rowBytes` apart, A a panel [k][4], B a panel [k][8].
 *
 * Requires k ≥ 1; no alignment; blocks must not overlap.
 * Loop order: k outermost, unrolled by four, with an exit after each step. The exits keep the steps in separate basic
 * blocks: compilers move all loads of a basic block to its start, and the eight sums, two vectors of B and four splats of
 * one step take 14 of 16 registers, so that a second step in the same block would spill. The address of A changes in every
 * step, because V8 before version 12 adds the offset of a splatted load in a separate instruction. Together this is a fifth
 * faster there than one step an iteration, and equally fast elsewhere (bench/engine.ts).
 * Epilogues such as bias or ReLU are separate, to leave the registers to the sums.
 */
export function gemm4x8(c: usize, rowBytes: usize, a: usize, b: usize, k: i32): void {
  const c1 = c + rowBytes;
  const c2 = c1 + rowBytes;
  const c3 = c2 + rowBytes;
  const end = a + 16 * <usize>k;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c1);
  let c11 = v128.load(c1, 16);
  let c20 = v128.load(c2);
  let c21 = v128.load(c2, 16);
  let c30 = v128.load(c3);
  let c31 = v128.load(c3, 16);
  for (;;) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let a0 = v128.load_splat<f32>(a);
    let a1 = v128.load_splat<f32>(a, 4);
    let a2 = v128.load_splat<f32>(a, 8);
    let a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    if (a == end) break;

    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    if (a == end) break;

    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    if (a == end) break;

    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    if (a == end) break;
    b += 4 * 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
}
