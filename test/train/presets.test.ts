/** The large presets exceed WebAssembly's memory with whole batches, and fit with micro-batches. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { PRESETS, type Preset } from '../../src/train/presets.js';
import { planTraining } from '../../src/wasm/training/layout.js';
import { refusal } from '../io/refusal.js';

const CLASSES = { article: 10, cifar: 10, official: 1000 };

/** Memory in bytes. */
function planned(preset: Preset, gradAccumSteps: number, threads: number): number {
  const { config, recipe } = PRESETS[preset];
  const network = resolveConfig({ ...config, num_classes: CLASSES[preset] });
  const { loss, ema, batchSize } = recipe;
  return planTraining(network, batchSize / gradAccumSteps, { threads, loss, ema: ema > 0, gradAccumSteps }).arena.end;
}

test.each([
  ['cifar', 1],
  ['article', 8],
  ['official', 64],
] as const)('%s fits in %d', (preset, gradAccumSteps) => {
  expect(planned(preset, gradAccumSteps, 16)).toBeLessThan(2 ** 32);
});

test.each(['article', 'official'] as const)('%s is refused with a hint at micro-batches', (preset) => {
  expect(() => planned(preset, 1, 1)).toThrow(refusal(ParamError, 'training', 'what fits into 4096 MiB', 'at least'));
  expect(() => planned(preset, 1, 1)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('--grad-accum-steps') as unknown }),
  );
});
