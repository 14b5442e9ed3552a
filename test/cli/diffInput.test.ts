/** The batch that `diff` compares on. */
import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { findInput } from '../../src/cli/diffInput.js';
import { resolveConfig } from '../../src/core/config.js';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const config = resolveConfig({ dims: [2, 3], strides: [2], num_classes: 2, input_size: [12, 16] });

async function tensorFile(name: string, shape: readonly number[], change?: (data: Float32Array) => void) {
  const data = new Float32Array(shape.reduce((size, n) => size * n, 1));
  change?.(data);
  const file = path(`${name}.SafeTensors`);
  await writeFile(file, encodeSafetensors(new Map([['x', { data, shape }]]), {}));
  return file;
}

describe('noise', () => {
  test('has the mean and deviation of a normalized image, and no larger values', async () => {
    const { source, x } = await findInput(undefined, [], config, 7);
    expect([source, x.shape]).toEqual(['noise of seed 7', [1, 3, 12, 16]]);
    const values = [...x.data];
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(values).toHaveLength(576);
    // Five standard errors of 576 values.
    expect(Math.abs(mean)).toBeLessThan(0.21);
    expect(Math.abs(variance - 1)).toBeLessThan(0.2);
    expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(Math.sqrt(3)));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-Math.fround(Math.sqrt(3)));
  });

  test('is that of the seed', async () => {
    const [a, b, c] = await Promise.all([7, 7, 8].map((seed) => findInput(undefined, [], config, seed)));
    expect(a).toEqual(b);
    expect(a.x.data).not.toEqual(c.x.data);
  });
});

test('a dump has its own batch, which a file overrides', async () => {
  const x = { data: new Float32Array(576).fill(2), shape: [1, 3, 12, 16] };
  const dump = { file: 'dump.safetensors', tensors: new Map([['input', x]]) };
  expect(await findInput(undefined, [dump], config, 0)).toEqual({ source: 'dump.safetensors', x });
  const file = await tensorFile('zeros', [2, 3, 4, 4]);
  expect(await findInput(file, [dump], config, 0)).toEqual({
    source: file,
    x: { data: new Float32Array(96), shape: [2, 3, 4, 4] },
  });
});

test.each([
  [[3, 3, 4], 'x [3,3,4]'],
  [[1, 3, 4, 4, 1], 'x [1,3,4,4,1]'],
  [[0, 3, 4, 4], 'x [0,3,4,4]'],
  [[1, 4, 4, 4], 'x [1,4,4,4]'],
])('refuses the shape %j', async (shape, got) => {
  const file = await tensorFile(`shape ${shape.join(' ')}`, shape);
  await expect(findInput(file, [], config, 0)).rejects.toThrow(refusal(ShapeError, file, 'x [n,3,h,w]', got));
});

test('refuses values that are not finite, also the first one', async () => {
  const file = await tensorFile('first', [1, 3, 2, 2], (data) => data.fill(-Infinity, 0, 1));
  await expect(findInput(file, [], config, 0)).rejects.toThrow(
    refusal(DataError, file, 'x of finite numbers', '-Infinity at element 0'),
  );
});

test.each([1, 3])('an image is scaled for a network of %d channels', async (in_chans) => {
  const [mean, std] = [Array<number>(in_chans).fill(0.5), Array<number>(in_chans).fill(0.25)];
  const network = resolveConfig({ ...config, in_chans, mean, std });
  const white = { width: 20, height: 20, channels: 3, background: '#fff' } as const;
  await writeFile(path('white.png'), await sharp({ create: white }).png().toBuffer());
  const { source, x } = await findInput(path('white.png'), [], network, 0);
  expect([source, x.shape]).toEqual([path('white.png'), [1, in_chans, 12, 16]]);
  // (1 - mean) / std
  expect(x.data).toEqual(new Float32Array(192 * in_chans).fill(2));
});

test('an image needs a network for images', async () => {
  const four = resolveConfig({ ...config, in_chans: 4, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] });
  await expect(findInput('x.png', [], four, 0)).rejects.toThrow(
    refusal(ParamError, 'x.png', 'a network for RGB or grayscale images', 'in_chans 4'),
  );
});
