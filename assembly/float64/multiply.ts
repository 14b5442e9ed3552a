import { madd } from './simd';

/**
 * C += A·B in f64: the products of each element are added in ascending order of the inner index.
 *
 * C [4·rowTiles, 4·columnTiles]; A panels of four rows, [rowTiles][depth][4]; B panels of four columns,
 * [columnTiles][depth][4].
 * Requires depth ≥ 1; blocks must not overlap.
 * Loop order: a panel of B stays in the first cache while all panels of A pass.
 */
export function multiply(c: usize, a: usize, b: usize, rowTiles: i32, columnTiles: i32, depth: i32): void {
  assert(rowTiles > 0 && columnTiles > 0 && depth > 0, 'multiply: sizes must be at least 1');
  const rowBytes: usize = 32 * <usize>columnTiles;
  const panelBytes: usize = 32 * <usize>depth;
  for (let column = 0; column < columnTiles; column++) {
    let tile = c + 32 * <usize>column;
    let panel = a;
    for (let row = 0; row < rowTiles; row++) {
      multiplyTile(tile, rowBytes, panel, b, depth);
      tile += 4 * rowBytes;
      panel += panelBytes;
    }
    b += panelBytes;
  }
}

/** C += A·B for a tile of 4x4, with A [depth][4] and B [depth][4]. */
function multiplyTile(c: usize, rowBytes: usize, a: usize, b: usize, depth: i32): void {
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
  for (const end = a + 32 * <usize>depth; a != end; a += 32, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
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
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
}
