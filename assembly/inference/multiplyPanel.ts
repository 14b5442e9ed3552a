import { gemm4x8 } from '../shared/gemm4x8';
import { gemm6x8 } from '../shared/gemm6x8';

/** Depth of a block: its weights, 1024x8 float32, are 32 kB, the size of a common L1 cache. */
const DEPTH: i32 = 1024;

/** Bytes from one row of eight channels to the next. */
const ROW_BYTES: usize = 4 * 8;

/**
 * c[p,j] = bias[j] + Σ_k pixels[p,k] · weight[k,j] for eight channels j of every pixel p, f32.
 *
 * c [groups][4][8], pixels [groups][depth][4] (four pixels side by side for each k), weight [depth][8], bias [8].
 * Requires groups and depth ≥ 1; blocks must not overlap.
 * Loop order: first c = bias; then depth in blocks of 1024, whose weights stay in L1 while the loop runs over all pixels.
 * The relaxed build computes three groups as two tiles of six pixels, and the remaining groups one by one.
 */
export function multiplyPanel(c: usize, pixels: usize, weight: usize, bias: usize, groups: i32, depth: i32): void {
  const low = v128.load(bias);
  const high = v128.load(bias, 16);
  const end = c + 4 * ROW_BYTES * <usize>groups;
  const groupBytes: usize = 16 * <usize>depth;
  for (let row = c; row < end; row += ROW_BYTES) {
    v128.store(row, low);
    v128.store(row, high, 16);
  }
  for (let k = 0; k < depth; k += DEPTH) {
    const block = min(depth - k, DEPTH);
    let a = pixels + 16 * <usize>k;
    let tile = c;
    if (ASC_FEATURE_RELAXED_SIMD) {
      for (; tile + 12 * ROW_BYTES <= end; tile += 12 * ROW_BYTES) {
        const a1 = a + groupBytes;
        const a2 = a1 + groupBytes;
        gemm6x8(tile, tile + 4 * ROW_BYTES, ROW_BYTES, a, a1, weight, block);
        gemm6x8(tile + 8 * ROW_BYTES, tile + 6 * ROW_BYTES, ROW_BYTES, a2, a1 + 8, weight, block);
        a = a2 + groupBytes;
      }
    }
    for (; tile < end; tile += 4 * ROW_BYTES) {
      gemm4x8(tile, ROW_BYTES, a, weight, block);
      a += groupBytes;
    }
    weight += ROW_BYTES * DEPTH;
  }
}
