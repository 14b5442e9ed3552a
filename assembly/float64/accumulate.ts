import { madd } from './simd';

/** Gradients that are computed together: those of this number of logits. */
export const LANES: i32 = 16;

/**
 * dx[t,·] += Σ w[out,t] · g[out,·] in f64, over the listed outs in the order of the list; `·` are the lanes.
 *
 * dx [4·tiles][LANES]; w panels of four columns, [tiles][depth][4]; list: `count` indices of rows of w, i32; g: their
 * gradients, [count][LANES].
 * Blocks must not overlap.
 * Loop order: for each panel of w, four lanes at a time.
 */
export function accumulate(dx: usize, w: usize, g: usize, list: usize, tiles: i32, depth: i32, count: i32): void {
  assert(tiles > 0 && depth > 0 && count >= 0, 'accumulate: sizes must be at least 1');
  const panelBytes: usize = 32 * <usize>depth;
  for (let tile = 0; tile < tiles; tile++) {
    for (let lane = 0; lane < LANES; lane += 4) {
      const offset: usize = 8 * <usize>lane;
      accumulateTile(dx + offset, w, g + offset, list, count);
    }
    dx += 4 * 8 * LANES;
    w += panelBytes;
  }
}

/** Four columns of w and four lanes. */
function accumulateTile(c: usize, w: usize, g: usize, list: usize, count: i32): void {
  const rowBytes: usize = 8 * LANES;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c, 8 * LANES);
  let c11 = v128.load(c, 8 * LANES + 16);
  let c20 = v128.load(c, 16 * LANES);
  let c21 = v128.load(c, 16 * LANES + 16);
  let c30 = v128.load(c, 24 * LANES);
  let c31 = v128.load(c, 24 * LANES + 16);
  for (const end = list + 4 * <usize>count; list != end; list += 4, g += rowBytes) {
    const a = w + 32 * <usize>load<i32>(list);
    const b0 = v128.load(g);
    const b1 = v128.load(g, 16);
    const a0 = v128.load_splat<f64>(a);
    const a1 = v128.load_splat<f64>(a, 8);
    const a2 = v128.load_splat<f64>(a, 16);
    const a3 = v128.load_splat<f64>(a, 24);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c10, 8 * LANES);
  v128.store(c, c11, 8 * LANES + 16);
  v128.store(c, c20, 16 * LANES);
  v128.store(c, c21, 16 * LANES + 16);
  v128.store(c, c30, 24 * LANES);
  v128.store(c, c31, 24 * LANES + 16);
}
