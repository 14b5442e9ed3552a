import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import type { Matrix } from './matrix.js';

/** A computation in steps; each yields the number of products that it has computed. */
export type Steps<T> = Generator<number, T>;

/** The sizes of a step: rows of A, columns of B, and their common size. Multiples of 4. */
const BLOCK = { rows: 128, columns: 1024, depth: 512 } as const;

const TILE = 4;
const inTiles = (size: number): number => Math.ceil(size / TILE);

/** Packs rows as panels of four: [tile][depth][4]. */
function packRows(panels: Float64Array, a: Matrix, [row, rows]: Span, [from, depth]: Span, line: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    a.read(row + i, from, from + depth, line);
    const first = (i - (i % TILE)) * depth + (i % TILE);
    for (let k = 0, at = first; k < depth; k++, at += TILE) panels[at] = line[k];
  }
}

/** Packs columns as panels of four: [tile][depth][4]. */
function packColumns(
  panels: Float64Array,
  b: Matrix,
  [from, columns]: Span,
  [row, depth]: Span,
  line: Float64Array,
): void {
  const panel = TILE * depth;
  for (let k = 0; k < depth; k++) {
    b.read(row + k, from, from + columns, line);
    // The last panel may be incomplete; nothing reads the columns beyond it.
    for (let j = 0, at = TILE * k; j < columns; j += TILE, at += panel) {
      panels[at] = line[j];
      panels[at + 1] = line[j + 1];
      panels[at + 2] = line[j + 2];
      panels[at + 3] = line[j + 3];
    }
  }
}

/** A first index and a number of indices. */
type Span = readonly [first: number, count: number];

function* spans(size: number, most: number): Generator<Span> {
  for (let first = 0; first < size; first += most) yield [first, Math.min(most, size - first)];
}

/**
 * C += A·B, where each element adds its products in ascending order of k, as the loops of the reference do:
 *
 *     C[i,j] = (…((C[i,j] + A[i,0]·B[0,j]) + A[i,1]·B[1,j]) + …)
 *
 * @param c row-major [a.rows, b.columns]
 */
export function* multiply(kernels: Float64Kernels, c: Float64Array, a: Matrix, b: Matrix): Steps<void> {
  const width = b.columns;
  for (const columns of spans(width, BLOCK.columns)) {
    for (const depth of spans(a.columns, BLOCK.depth)) {
      const columnTiles = inTiles(columns[1]);
      const stride = TILE * columnTiles;
      const [left, right, result, line] = kernels.reserve(
        BLOCK.rows * depth[1],
        stride * depth[1],
        BLOCK.rows * stride,
        Math.max(BLOCK.columns, BLOCK.depth),
      );
      packColumns(right.values, b, columns, depth, line.values);
      for (const rows of spans(a.rows, BLOCK.rows)) {
        packRows(left.values, a, rows, depth, line.values);
        const partOf = (i: number): Float64Array => {
          const start = (rows[0] + i) * width + columns[0];
          return c.subarray(start, start + columns[1]);
        };
        for (let i = 0; i < rows[1]; i++) result.values.set(partOf(i), i * stride);
        kernels.run.multiply(result.address, left.address, right.address, inTiles(rows[1]), columnTiles, depth[1]);
        for (let i = 0; i < rows[1]; i++) {
          partOf(i).set(result.values.subarray(i * stride, i * stride + columns[1]));
        }
        yield rows[1] * columns[1] * depth[1];
      }
    }
  }
}
