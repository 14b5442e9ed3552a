/** Defaults that fit the data and the machine. */
import { describe, expect, test } from '@jest/globals';
import { adaptRecipe, memoryLimit } from '../../src/cli/adaptRecipe.js';
import { trainingMemory } from '../../src/cli/trainingBackend.js';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError, ShapeError } from '../../src/core/errors.js';
import { PRESETS } from '../../src/train/presets.js';
import { DEFAULT_RECIPE, type Recipe } from '../../src/train/recipe.js';
import { refusal } from '../io/refusal.js';

const GIB = 2 ** 30;
const backend = { backend: 'wasm', build: 'plain', threads: 1 } as const;
const config = resolveConfig({ dims: [64, 128], strides: [2], num_classes: 10, input_size: 64 });
const recipe: Recipe = { ...DEFAULT_RECIPE, batchSize: 24 };

function adapt(of: Recipe, more: Partial<Parameters<typeof adaptRecipe>[1]> = {}): ReturnType<typeof adaptRecipe> {
  const none: ReadonlySet<string> = new Set();
  return adaptRecipe(of, { explicit: none, images: 100, resumed: undefined, config, backend, limit: 4 * GIB, ...more });
}

describe('the rise of lambda', () => {
  const short = { ...recipe, epochs: 1, decayEpochs: 2 };

  test('ends with the last step, unless a flag or the file set it', () => {
    // Four steps: 3/4 of the epoch are done before the last.
    expect(adapt(short).recipe).toEqual({ ...short, decayEpochs: 0.75 });
    expect(adapt(short, { explicit: new Set(['decayEpochs']) }).recipe).toEqual(short);
    expect(adapt({ ...short, epochs: 3 }).recipe.decayEpochs).toBe(2);
  });

  test('of a resumed run is that of its checkpoint', () => {
    expect(adapt({ ...short, epochs: 30 }, { resumed: { ...short, decayEpochs: 0.5 } }).recipe.decayEpochs).toBe(0.5);
  });
});

describe('micro-batches', () => {
  test('are not needed if the batch fits', () => {
    expect(adapt(recipe)).toEqual({ recipe, notes: [] });
  });

  test('are as few as fit, and divide the batch', () => {
    // Most of the memory grows with the images of a pass.
    const limits = [60, 40, 24].map((mebibytes) => adapt(recipe, { limit: mebibytes * 2 ** 20 }).recipe.gradAccumSteps);
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
    for (const parts of limits) expect(24 % parts).toBe(0);
    expect(limits[2]).toBeGreaterThan(1);
    const { recipe: of, notes } = adapt(recipe, { limit: 24 * 2 ** 20 });
    const micro = `${of.gradAccumSteps} micro-batches of ${24 / of.gradAccumSteps}`;
    expect(notes).toEqual([
      `batch  24 images in ${micro}, to fit into memory; batch norms see one micro-batch at a time`,
    ]);
  });

  test('fit if they take all of the limit, also those of two images', () => {
    const parts = [1, 2, 12];
    const limits = parts.map((gradAccumSteps) => trainingMemory(config, { ...recipe, gradAccumSteps }, backend) ?? 0);
    expect(limits.map((limit) => adapt(recipe, { limit }).recipe.gradAccumSteps)).toEqual(parts);
    expect(adapt(recipe, { limit: limits[0] - 1 }).recipe.gradAccumSteps).toBe(2);
  });

  test.each([
    ['article', 10, 8],
    ['official', 1000, 64],
  ] as const)('preset %s starts as it is', (preset, num_classes, parts) => {
    const network = resolveConfig({ ...PRESETS[preset].config, num_classes });
    const { gradAccumSteps, batchSize } = adapt(PRESETS[preset].recipe, { config: network, images: 50_000 }).recipe;
    expect([gradAccumSteps, batchSize]).toEqual([parts, PRESETS[preset].recipe.batchSize]);
  });

  test('are those of the flag, the file or the checkpoint', () => {
    const limit = 24 * 2 ** 20;
    expect(adapt(recipe, { limit, explicit: new Set(['gradAccumSteps']) })).toEqual({ recipe, notes: [] });
    const { recipe: of, notes } = adapt(recipe, { limit, resumed: { ...recipe, gradAccumSteps: 12 } });
    expect([of.gradAccumSteps, notes.length]).toEqual([12, 1]);
    expect(adapt(recipe, { limit, resumed: recipe })).toEqual({ recipe, notes: [] });
  });

  test('are not chosen for other backends, whose memory is not known', () => {
    expect(adapt(recipe, { limit: 0, backend: { ...backend, backend: 'reference' } }).recipe).toEqual(recipe);
  });

  test('of two images must fit', () => {
    expect(() => adapt(recipe, { limit: 2 ** 20 })).toThrow(
      refusal(ParamError, 'training', "what fits into 1 MiB, 75% of this machine's memory", 'at least'),
    );
    expect(() => adapt(recipe, { limit: 2 ** 20 })).toThrow(
      expect.objectContaining({ hint: 'Train a narrower network or smaller images: --dims, --size.' }),
    );
    const huge = resolveConfig({ variant: 'vanillanet_13_x1_5', num_classes: 1000, input_size: 1024 });
    expect(() => adapt(recipe, { config: huge })).toThrow(
      refusal(ParamError, 'training', 'what fits into 4096 MiB', ''),
    );
  });

  test('other errors are thrown as they are', () => {
    const tiny = resolveConfig({ dims: [4, 6, 8], strides: [2, 2], num_classes: 10, input_size: 8 });
    expect(() => adapt(recipe, { config: tiny })).toThrow(
      refusal(ShapeError, 'stages.', 'an input of at least ', '8x8'),
    );
  });
});

test('the limit is what WebAssembly can address, and three quarters of a smaller memory', () => {
  expect(memoryLimit(64 * GIB, 0)).toBe(4 * GIB);
  expect(memoryLimit(4 * GIB, 0)).toBe(3 * GIB);
  // A container; without a limit, some systems report a huge one.
  expect(memoryLimit(64 * GIB, 2 * GIB)).toBe(1.5 * GIB);
  expect(memoryLimit(4 * GIB, 2 ** 63)).toBe(3 * GIB);
  expect(memoryLimit()).toBeGreaterThan(0);
});
