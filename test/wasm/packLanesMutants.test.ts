/** The comparison of packLanes.test.ts detects faults of the kernel. */
import { expect, test } from '@jest/globals';
import { INFERENCE, instantiate } from '../../src/wasm/module.js';
import { packedFloats, type PackedShape } from '../../src/wasm/packedShape.js';
import { compile, INFERENCE_ENTRY } from './compile.js';
import { expectedOf, MARK, packed, SHAPES } from './packLanes.js';

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
