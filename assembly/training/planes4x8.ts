import { madd } from '../shared/simd';

/**
 * C += A·B for one tile of planes: four rows of C, `rowBytes` apart, whose first four columns are at `low` and the others at
 * `high`; A a panel [k][4]; B two panels [k][4].
 *
 * Requires k ≥ 1; no alignment; blocks must not overlap.
 * Loop order: k outermost, unrolled by four, with an exit after each step: see ../shared/gemm4x8.ts for the reasons.
 */
export function planes4x8(low: usize, high: usize, rowBytes: usize, a: usize, b0: usize, b1: usize, k: i32): void {
  const end = a + 16 * <usize>k;
  const twoRows: usize = 2 * rowBytes;
  let c00 = v128.load(low);
  let c01 = v128.load(high);
  let c10 = v128.load(low + rowBytes);
  let c11 = v128.load(high + rowBytes);
  let c20 = v128.load(low + twoRows);
  let c21 = v128.load(high + twoRows);
  let c30 = v128.load(low + twoRows + rowBytes);
  let c31 = v128.load(high + twoRows + rowBytes);
  for (;;) {
    let x = v128.load(b0);
    let y = v128.load(b1);
    let a0 = v128.load_splat<f32>(a);
    let a1 = v128.load_splat<f32>(a, 4);
    let a2 = v128.load_splat<f32>(a, 8);
    let a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, x, c00);
    c01 = madd(a0, y, c01);
    c10 = madd(a1, x, c10);
    c11 = madd(a1, y, c11);
    c20 = madd(a2, x, c20);
    c21 = madd(a2, y, c21);
    c30 = madd(a3, x, c30);
    c31 = madd(a3, y, c31);
    a += 16;
    if (a == end) break;

    x = v128.load(b0, 16);
    y = v128.load(b1, 16);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, x, c00);
    c01 = madd(a0, y, c01);
    c10 = madd(a1, x, c10);
    c11 = madd(a1, y, c11);
    c20 = madd(a2, x, c20);
    c21 = madd(a2, y, c21);
    c30 = madd(a3, x, c30);
    c31 = madd(a3, y, c31);
    a += 16;
    if (a == end) break;

    x = v128.load(b0, 32);
    y = v128.load(b1, 32);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, x, c00);
    c01 = madd(a0, y, c01);
    c10 = madd(a1, x, c10);
    c11 = madd(a1, y, c11);
    c20 = madd(a2, x, c20);
    c21 = madd(a2, y, c21);
    c30 = madd(a3, x, c30);
    c31 = madd(a3, y, c31);
    a += 16;
    if (a == end) break;

    x = v128.load(b0, 48);
    y = v128.load(b1, 48);
    a0 = v128.load_splat<f32>(a);
    a1 = v128.load_splat<f32>(a, 4);
    a2 = v128.load_splat<f32>(a, 8);
    a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, x, c00);
    c01 = madd(a0, y, c01);
    c10 = madd(a1, x, c10);
    c11 = madd(a1, y, c11);
    c20 = madd(a2, x, c20);
    c21 = madd(a2, y, c21);
    c30 = madd(a3, x, c30);
    c31 = madd(a3, y, c31);
    a += 16;
    if (a == end) break;
    b0 += 64;
    b1 += 64;
  }
  v128.store(low, c00);
  v128.store(high, c01);
  v128.store(low + rowBytes, c10);
  v128.store(high + rowBytes, c11);
  v128.store(low + twoRows, c20);
  v128.store(high + twoRows, c21);
  v128.store(low + twoRows + rowBytes, c30);
  v128.store(high + twoRows + rowBytes, c31);
}
