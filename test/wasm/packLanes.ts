/** Packs weights by the kernel, and by the definition in src/wasm/packedShape.ts. */
import type { ProgramExports } from '../../src/wasm/module.js';
import { packedFloats, type PackedShape } from '../../src/wasm/packedShape.js';

export const SHAPES: readonly PackedShape[] = [
  { rows: 16, width: 8, depth: 8, lanes: 8 },
  { rows: 17, width: 13, depth: 16, lanes: 8 },
  { rows: 5, width: 1, depth: 1, lanes: 8 },
  { rows: 9, width: 49, depth: 49, lanes: 4 },
  { rows: 3, width: 3, depth: 8, lanes: 8 },
  { rows: 24, width: 6, depth: 8, lanes: 4 },
];

/** The words before, between and after the panels; no weight has this value. */
export const MARK = -1;
/** The words after the values, which must not be read. */
const BEHIND = -2;
const GUARD = 16;

/** The panels as src/wasm/packedShape.ts defines them; MARK where nothing belongs. */
export function expectedOf({ rows, width, depth, lanes }: PackedShape, size: number): Float32Array {
  const panels = new Float32Array(size).fill(MARK);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < width; k++) panels[(Math.floor(r / lanes) * depth + k) * lanes + (r % lanes)] = r * width + k;
  }
  return panels;
}

/** Packs by the kernel, in parts of one length. */
export function packed(
  kernels: ProgramExports,
  shape: PackedShape,
  part: number,
): { panels: Float32Array; around: Float32Array } {
  const { rows, width, depth, lanes } = shape;
  if (kernels.memory.buffer.byteLength === 0) kernels.memory.grow(1);
  const memory = new Float32Array(kernels.memory.buffer);
  memory.fill(MARK, kernels.heapBase() / 4);
  const size = packedFloats(shape);
  const start = Math.ceil(kernels.heapBase() / 16) * 4 + GUARD;
  const values = start + size + GUARD;
  for (let first = 0; first < rows * width; first += part) {
    const last = Math.min(first + part, rows * width);
    memory.fill(BEHIND, values);
    memory.set(
      Array.from({ length: last - first }, (_, i) => first + i),
      values,
    );
    kernels.packLanes(4 * start, 4 * values, width, depth, lanes, first, last);
  }
  const panels = memory.slice(start, start + size);
  memory.fill(MARK, start, start + size);
  return { panels, around: memory.slice(start - GUARD, values) };
}
