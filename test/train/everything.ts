/** A small training, and a recipe with every option that uses random numbers or has state. */
import { resolveConfig } from '../../src/core/config.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import type { Recipe } from '../../src/train/recipe.js';
import type { OpenTrainer, TrainingData } from '../../src/train/runOptions.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';

export const data = {
  train: drawShapes(90, { seed: 3, size: 16 }),
  validation: drawShapes(25, { seed: 4, size: 16 }),
} satisfies TrainingData;

export const config = resolveConfig({
  dims: [8, 12],
  strides: [2],
  act_num: 1,
  num_classes: 10,
  input_size: 16,
  drop_rate: 0.1,
});

export const PLAIN = {
  epochs: 4,
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  batchSize: 30,
  lr: 5e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: 1,
} as const satisfies Partial<Recipe>;

export const EVERYTHING = {
  ...PLAIN,
  lambdaPer: 'epoch',
  optimizer: 'lamb',
  warmupEpochs: 1,
  layerDecay: 0.8,
  ema: 0.9,
  loss: 'bce',
  mixup: 0.2,
  cutmix: 1,
  augment: { randomCrop: { padding: 2 }, horizontalFlip: 0.5 },
} as const satisfies Partial<Recipe>;

export const FUSED_ON_THE_WAY = {
  ...PLAIN,
  fuseAtDecay: true,
  optimizer: 'adamw',
} as const satisfies Partial<Recipe>;

/** Opens WebAssembly trainers with a number of threads. */
export const on =
  (threads: number): OpenTrainer =>
  (network, options) =>
    wasmTrainer(network, { ...options, build: 'plain', threads });
