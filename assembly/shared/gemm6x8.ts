import { madd } from './simd';

/**
 * C += A·B for six pixels and eight channels: four rows of C at `cFour`, two at
 * `cTwo`, all `rowBytes` apart; A the first four pixels of one panel [k][4] at
 * `four` and two adjacent pixels of another at `two`; B a panel [k][8].
 *
 * Requires k ≥ 1; no alignment; blocks must not overlap.
 * Loop order: k outermost, as in `gemm4x8`, so that every sum has the same bits.
 * For machines with fused multiply-add, whose latency needs more sums to be hidden than `gemm4x8` has (a tenth faster:
 * bench/engine.ts). Twelve sums, two vectors of B and one splat take all 15 registers that V8 allocates, so that each row is
 * its own basic block: V8 before version 13 would move the loads of the other rows to the start of a common block and
 * spill. The exits between the rows are never taken; both pointers change so that compilers cannot prove it. Not for the
 * plain build, whose separate products need one more register.
 */
export function gemm6x8(cFour: usize, cTwo: usize, rowBytes: usize, four: usize, two: usize, b: usize, k: i32): void {
  const endFour = four + 16 * <usize>k;
  const endTwo = two + 16 * <usize>k;
  const c1 = cFour + rowBytes;
  const c2 = c1 + rowBytes;
  const c3 = c2 + rowBytes;
  const c4 = cTwo;
  const c5 = c4 + rowBytes;
  let c00 = v128.load(cFour);
  let c01 = v128.load(cFour, 16);
  let c10 = v128.load(c1);
  let c11 = v128.load(c1, 16);
  let c20 = v128.load(c2);
  let c21 = v128.load(c2, 16);
  let c30 = v128.load(c3);
  let c31 = v128.load(c3, 16);
  let c40 = v128.load(c4);
  let c41 = v128.load(c4, 16);
  let c50 = v128.load(c5);
  let c51 = v128.load(c5, 16);
  for (;;) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let a = v128.load_splat<f32>(four);
    c00 = madd(a, b0, c00);
    c01 = madd(a, b1, c01);
    four += 4;
    if (four == endFour) break;

    a = v128.load_splat<f32>(four);
    c10 = madd(a, b0, c10);
    c11 = madd(a, b1, c11);
    four += 4;
    if (four == endFour) break;

    a = v128.load_splat<f32>(four);
    c20 = madd(a, b0, c20);
    c21 = madd(a, b1, c21);
    four += 4;
    if (four == endFour) break;

    a = v128.load_splat<f32>(four);
    c30 = madd(a, b0, c30);
    c31 = madd(a, b1, c31);
    four += 4;
    if (two == endTwo) break;

    a = v128.load_splat<f32>(two);
    c40 = madd(a, b0, c40);
    c41 = madd(a, b1, c41);
    two += 4;
    if (two == endTwo) break;

    a = v128.load_splat<f32>(two);
    c50 = madd(a, b0, c50);
    c51 = madd(a, b1, c51);
    two += 12;
    b += 32;
    if (four == endFour) break;
  }
  v128.store(cFour, c00);
  v128.store(cFour, c01, 16);
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
  v128.store(c4, c40);
  v128.store(c4, c41, 16);
  v128.store(c5, c50);
  v128.store(c5, c51, 16);
}
