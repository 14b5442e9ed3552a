import { expect, test } from '@jest/globals';
import type { StreamedSet } from '../../../src/data/sets/dataset.js';
import { loaderMemory } from '../../../src/data/loader/loaderMemory.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';

const set = drawShapes(26, { seed: 1, size: 16 });
const { images: _, ...about } = set;
const streamed: StreamedSet = {
  ...about,
  files: { root: '.', names: set.classNames, fit: { size: [16, 16] } },
};
const [PIXELS, OUT] = [3 * 16 * 16, 3 * 8 * 8];
/** Bytes of an image in a batch: pixels and ten targets in float32, a label in int32. */
const SLOT = 4 * (OUT + 10 + 1);

test.each([
  [0, 4 * SLOT, 1, 1],
  [1, 2 * 4 * SLOT, 2, 1],
  [3, 6 * 4 * SLOT, 2, 3],
])('%d threads: batches, and pixels of the set or of a batch for each', (workers, batches, copies, readers) => {
  const options = { batchSize: 4, size: [8, 8], workers } as const;
  expect(loaderMemory(set, options)).toBe(batches + copies * 26 * PIXELS);
  expect(loaderMemory(streamed, options)).toBe(batches + readers * 4 * PIXELS);
});
