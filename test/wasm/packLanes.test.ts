/** The engine packs weights, in parts of any length, as packedShape.ts defines. */
import { bytes } from '#wasm/plain';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { INFERENCE, instantiate, type ProgramExports } from '../../src/wasm/module.js';
import { packedFloats, type PackedShape } from '../../src/wasm/packedShape.js';
import { compile, INFERENCE_ENTRY } from './compile.js';

const SHAPES: readonly PackedShape[] = [
  { rows: 16, width: 8, depth: 8, lanes: 8 },
  { rows: 17, width: 13, depth: 16, lanes: 8 },
  { rows: 5, width: 1, depth: 1, lanes: 8 },
  { rows: 9, width: 49, depth: 49, lanes: 4 },
  { rows: 3, width: 3, depth: 8, lanes: 8 },
  { rows: 24, width: 6, depth: 8, lanes: 4 },
];

/** The words before, between and after the panels; no weight has this value. */
const MARK = -1;
/** The words after the values, which must not be read. */
const BEHIND = -2;
const GUARD = 16;

/** The panels as src/wasm/packedShape.ts defines them; MARK where nothing belongs. */
function expectedOf({ rows, width, depth, lanes }: PackedShape, size: number): Float32Array {
  const panels = new Float32Array(size).fill(MARK);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < width; k++) panels[(Math.floor(r / lanes) * depth + k) * lanes + (r % lanes)] = r * width + k;
  }
  return panels;
}

/** Packs by the kernel, in parts of one length. */
function packed(
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

describe.each(SHAPES)('$rows x $width in $depth of $lanes', (shape) => {
  let plain: ProgramExports;
  beforeAll(async () => {
    plain = await instantiate(INFERENCE, bytes);
  });

  test.each([1, 3, 8 * shape.width, 8 * shape.width + 5, shape.rows * shape.width])('in parts of %i', (part) => {
    const { panels, around } = packed(plain, shape, part);
    expect(panels).toEqual(expectedOf(shape, packedFloats(shape)));
    expect(around.every((v) => v === MARK)).toBe(true);
  });
});

// prettier-ignore
test.each([
  ['panels split at their first row', 'last - at >= lanes * width', 'last - at >= width'],
  ['the last columns of a panel left out', 'for (; k < width; k++) {\n      for', 'for (; k < 0; k++) {\n      for'],
  ['panels taken from the middle of a row', 'lane == 0 && k == 0 &&', 'lane == 0 &&'],
  ['rows 4 to 7 stored over rows 0 to 3', 'let to = panel + 4 * <usize>lane;\n    let from', 'let to = panel;\n    let from'],
  ['rows that are not interleaved', 'to += laneBytes;\n    }\n  }\n}\n\n/**', 'to += 4;\n    }\n  }\n}\n\n/**'],
])('detects a kernel with a fault: %s', async (_, from, to) => {
  const kernels = await instantiate(INFERENCE, await compile('plain', INFERENCE_ENTRY, { file: 'shared/packLanes.ts', from, to }));
  const isRight = (shape: PackedShape, part: number): boolean => {
    const { panels, around } = packed(kernels, shape, part);
    const expected = expectedOf(shape, packedFloats(shape));
    return panels.every((v, i) => v === expected[i]) && around.every((v) => v === MARK);
  };
  const parts = ({ rows, width }: PackedShape): number[] => [1, 8 * width + 5, rows * width];
  expect(SHAPES.every((shape) => parts(shape).every((part) => isRight(shape, part)))).toBe(false);
});
