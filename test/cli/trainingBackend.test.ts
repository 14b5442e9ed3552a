/** The backend of a training: its name, which identifies the bits of a run, and the memory that it takes. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { selectTrainer, trainingMemory } from '../../src/cli/trainingBackend.js';
import { resolveConfig } from '../../src/core/config.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { planTraining } from '../../src/wasm/training/layout.js';

const config = resolveConfig({ dims: [4, 6], strides: [2], act_num: 1, num_classes: 300, input_size: 16 });

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the memory', () => {
  const memory = (recipe: Partial<Recipe>, threads = 1, backend = 'wasm'): number | null =>
    trainingMemory(config, resolveRecipe(recipe), { backend, threads, build: 'plain' });
  const plan = { threads: 1, loss: 'cross-entropy', ema: false, gradAccumSteps: 1 } as const;
  const bytesOf = (n: number, more: Partial<Parameters<typeof planTraining>[2]> = {}): number =>
    planTraining(config, n, { ...plan, ...more }).arena.end;

  test('is that of the plan of WebAssembly', () => {
    expect(memory({ batchSize: 8 })).toBe(bytesOf(8));
    expect(memory({ batchSize: 8, ema: 0.9 })).toBe(bytesOf(8, { ema: true }));
    expect(memory({ batchSize: 8, loss: 'bce' })).toBe(bytesOf(8, { loss: 'bce' }));
    expect(memory({ batchSize: 8, gradAccumSteps: 2 })).toBe(bytesOf(4, { gradAccumSteps: 2 }));
    expect(bytesOf(8, { ema: true })).toBeGreaterThan(bytesOf(8));
    expect(bytesOf(4, { gradAccumSteps: 2 })).toBeGreaterThan(bytesOf(4));
  });

  test('is not known for other backends', () => {
    for (const backend of ['reference', 'tfjs', 'tfjs:cpu']) expect(memory({ batchSize: 8 }, 1, backend)).toBeNull();
  });
});

describe('the trainer', () => {
  const select = (backend: string) => selectTrainer({ backend, threads: 1, build: 'plain' });

  test('has the name of the backend and of its build', async () => {
    expect((await select('wasm')).name).toBe('wasm plain');
    expect(await select('reference')).toEqual({ openTrainer: oracleTrainer, name: 'reference' });
  });

  test('has the name of the engine of TensorFlow.js', async () => {
    expect((await select('tfjs:cpu')).name).toBe('tfjs:cpu');
  });
});
