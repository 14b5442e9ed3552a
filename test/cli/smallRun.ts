/** A training of three steps, for tests of what is printed and written around it. */
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import { resolveConfig } from '../../src/core/config.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { resolveRecipe } from '../../src/train/recipe.js';

export const data = { train: drawShapes(12, { seed: 3, size: 8 }), validation: drawShapes(20, { seed: 4, size: 8 }) };
export const config = resolveConfig({ dims: [2, 3], strides: [1], act_num: 0, num_classes: 10, input_size: 8 });
/** Three steps. */
export const recipe = resolveRecipe({ epochs: 1, batchSize: 4, decayEpochs: 0, seed: 9 });
export const FLAGS: TrainFlags = {
  ...{ backend: 'reference', threads: 1, build: 'plain', workers: 0, checkpointEvery: 300 },
  ...{ cache: 'auto', onBadImage: 'fail' },
};

export const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const before = SIGNALS.map((signal) => process.listeners(signal));

/** Removes listeners that came since this file was loaded: a training that was stopped keeps its own, for a signal that comes late. */
export function removeListeners(): void {
  SIGNALS.forEach((signal, i) => {
    for (const listener of process.listeners(signal)) if (!before[i].includes(listener)) process.off(signal, listener);
  });
}
