import { dot } from './dot';
import { gemm4x8 } from '../shared/gemm4x8';
import { transpose4x4 } from '../shared/transpose4x4';

/** Depth and rows of a packed block: 256x64 floats are 64 kB, an eighth of a common L2. */
const DEPTH: i32 = 256;
const ROWS: i32 = 64;

function roundUp(count: i32, multiple: i32): i32 {
  return ((count + multiple - 1) / multiple) * multiple;
}

/**
 * Bytes of scratch that `gemm` needs: a packed block of A, all columns of B for one block of depth, and a
 * tile. A float64, so that a size beyond the address space does not wrap around.
 */
export function gemmScratch(m: i32, n: i32, k: i32): f64 {
  if (n == 1) return 0;
  const depth = <f64>min(k, DEPTH);
  return 4 * (<f64>roundUp(min(m, ROWS), 4) * depth + <f64>roundUp(n, 8) * depth + 4 * 8);
}

/**
 * C += A·B, f32, all three dense and row-major: C [m,n], A [m,k], B [k,n].
 *
 * Requires scratch of `gemmScratch(m, n, k)` bytes on a multiple of 16; C, A and B on multiples of 4; blocks must not
 * overlap.
 * Loop order: depth in blocks of 256, for which B is packed into panels of 8 columns; rows in blocks of 64, packed into
 * panels of 4; then each panel of B (which stays in L1) times each panel of A (which stay in L2).
 * Tails: zeros fill the panels, and a tile that exceeds C is computed in scratch and copied back in part. A single column
 * (n = 1) is computed as m dot products without packing.
 */
export function gemm(c: usize, a: usize, b: usize, scratch: usize, m: i32, n: i32, k: i32): void {
  assert(m > 0 && n > 0 && k > 0, 'gemm: m, n and k must be at least 1');
  assert((scratch & 15) == 0, 'gemm: scratch must lie on a multiple of 16');
  if (n == 1) {
    for (let i = 0; i < m; i++) {
      const ci = c + 4 * <usize>i;
      store<f32>(ci, load<f32>(ci) + dot(a + 4 * <usize>i * k, b, k));
    }
    return;
  }
  const corner = scratch;
  const panelsA = corner + 4 * 4 * 8;
  const panelsB = panelsA + 4 * <usize>roundUp(min(m, ROWS), 4) * min(k, DEPTH);
  const rowBytes: usize = 4 * <usize>n;
  for (let p = 0; p < k; p += DEPTH) {
    const depth = min(k - p, DEPTH);
    packColumns(panelsB, b + <usize>p * rowBytes, n, depth);
    for (let i0 = 0; i0 < m; i0 += ROWS) {
      const rows = min(m - i0, ROWS);
      packRows(panelsA, a + 4 * (<usize>i0 * k + p), rows, depth, k);
      for (let j = 0; j < n; j += 8) {
        const panelB = panelsB + 4 * <usize>j * depth;
        for (let i = 0; i < rows; i += 4) {
          const panelA = panelsA + 4 * <usize>i * depth;
          const tile = c + <usize>(i0 + i) * rowBytes + 4 * <usize>j;
          if (i + 4 <= rows && j + 8 <= n) {
            gemm4x8(tile, rowBytes, panelA, panelB, depth);
          } else {
            const height = min(rows - i, 4);
            const width = min(n - j, 8);
            copyTile(corner, 4 * 8, tile, rowBytes, height, width);
            gemm4x8(corner, 4 * 8, panelA, panelB, depth);
            copyTile(tile, rowBytes, corner, 4 * 8, height, width);
          }
        }
      }
    }
  }
}

/** to[0..height][0..width] = from[0..height][0..width], f32. Rows are `toBytes` and `fromBytes` apart; no alignment required. */
function copyTile(to: usize, toBytes: usize, from: usize, fromBytes: usize, height: i32, width: i32): void {
  for (let i = 0; i < height; i++) {
    for (let j: usize = 0; j < 4 * <usize>width; j += 4) store<f32>(to + j, load<f32>(from + j));
    to += toBytes;
    from += fromBytes;
  }
}

/**
 * Packs b [depth,n] into panels [⌈n/8⌉][depth][8]; zeros fill the last one.
 * Loop order: panel, then row; eight columns at once, those of the last panel one by one.
 */
function packColumns(panels: usize, b: usize, n: i32, depth: i32): void {
  const rowBytes: usize = 4 * <usize>n;
  let j = 0;
  for (; j + 8 <= n; j += 8) {
    let from = b + 4 * <usize>j;
    for (let p = 0; p < depth; p++) {
      v128.store(panels, v128.load(from));
      v128.store(panels, v128.load(from, 16), 16);
      panels += 4 * 8;
      from += rowBytes;
    }
  }
  if (j == n) return;
  const width = n - j;
  let from = b + 4 * <usize>j;
  for (let p = 0; p < depth; p++) {
    memory.fill(panels, 0, 4 * 8);
    for (let i: usize = 0; i < 4 * <usize>width; i += 4) store<f32>(panels + i, load<f32>(from + i));
    panels += 4 * 8;
    from += rowBytes;
  }
}

/**
 * Packs a [rows, depth], whose rows are k elements apart, into panels [⌈rows/4⌉][depth][4]; zeros fill the last one.
 * Loop order: panel, then depth. Full panels transpose 4x4 blocks in registers; the last depth mod 4 columns and the last
 * panel are copied element by element.
 */
function packRows(panels: usize, a: usize, rows: i32, depth: i32, k: i32): void {
  const rowBytes: usize = 4 * <usize>k;
  for (let i = 0; i < rows; i += 4) {
    const height = min(rows - i, 4);
    let p = 0;
    if (height == 4) {
      for (; p + 4 <= depth; p += 4) {
        const from = a + 4 * <usize>p;
        const r0 = v128.load(from);
        const r1 = v128.load(from + rowBytes);
        const r2 = v128.load(from + 2 * rowBytes);
        const r3 = v128.load(from + 3 * rowBytes);
        transpose4x4(panels, r0, r1, r2, r3);
        panels += 64;
      }
    }
    for (; p < depth; p++) {
      const from = a + 4 * <usize>p;
      for (let r = 0; r < 4; r++) {
        store<f32>(panels, r < height ? load<f32>(from + <usize>r * rowBytes) : 0);
        panels += 4;
      }
    }
    a += 4 * rowBytes;
  }
}
