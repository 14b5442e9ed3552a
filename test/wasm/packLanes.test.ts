/** The engine packs weights, in parts of any length, as packedShape.ts defines. */
import { bytes } from '#wasm/plain';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { INFERENCE, instantiate, type ProgramExports } from '../../src/wasm/module.js';
import { packedFloats } from '../../src/wasm/packedShape.js';
import { expectedOf, MARK, packed, SHAPES } from './packLanes.js';

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
