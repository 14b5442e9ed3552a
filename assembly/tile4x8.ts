import { madd } from './simd';

/**
 * C += A·B for one tile: C 4x8 with rows `rowBytes` apart, A a panel [k][4], B a
 * panel [k][8].
 *
 * Requires k ≥ 1 and no overlap; no alignment.
 * Order: k outermost, one step an iteration. Eight sums, two columns and four
 * splats are 14 registers: a second step would spill in the compilers that move
 * a block's loads to its front. For the same reason nothing else happens in here.
 */
export function tile4x8(c: usize, rowBytes: usize, a: usize, b: usize, k: i32): void {
  const c1 = c + rowBytes;
  const c2 = c1 + rowBytes;
  const c3 = c2 + rowBytes;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c1);
  let c11 = v128.load(c1, 16);
  let c20 = v128.load(c2);
  let c21 = v128.load(c2, 16);
  let c30 = v128.load(c3);
  let c31 = v128.load(c3, 16);
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<f32>(a);
    const a1 = v128.load_splat<f32>(a, 4);
    const a2 = v128.load_splat<f32>(a, 8);
    const a3 = v128.load_splat<f32>(a, 12);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 4 * 4;
    b += 4 * 8;
  } while (--k);
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
}
